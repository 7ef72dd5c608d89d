"""A service that may be idle for hours: its token is renewed all the same, so that no request waits for one.

H2OGPTE_ADDRESS     https://h2ogpte.example.com
ENTRA_TOKENS_SCOPE  api://<application id of the h2oGPTe server>/.default
PORT                where to serve; /health tells the state of the token, anything else lists collections
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from entra_tokens import TokenEvent, TokenProvider
from h2ogpte import H2OGPTE


def tell(event: TokenEvent) -> None:
    print(event.kind, event.error or "", flush=True)


provider = TokenProvider(keep_fresh=True, on_event=tell)  # no credential named: whatever this place offers
client = H2OGPTE(address=os.environ["H2OGPTE_ADDRESS"], token_provider=provider)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            text = f"{provider.status()}\n"
        else:
            text = "".join(f"{collection.name}\n" for collection in client.list_recent_collections(0, 10))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    with ThreadingHTTPServer(("localhost", int(os.environ.get("PORT", "8080"))), Handler) as server:
        print(f"serving on http://localhost:{server.server_port}", flush=True)
        server.serve_forever()
