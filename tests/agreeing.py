"""What an authority and a server agree on: a managed-identity host that tells of each token before it hands it out.

A server whose passwords are tokens, a PostgreSQL or a Redis, can so be given each as it is issued.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["agreeing"]


@contextmanager
def agreeing(app_service: dict[str, str], tell: Callable[[str], None]) -> Iterator[dict[str, str]]:
    """The variables of an App Service whose endpoint is in front of the emulator's.

    Args:
        app_service: The emulator's `environ("app_service")`.
        tell: Given each token before whoever asked for it.
    """
    behind = app_service["IDENTITY_ENDPOINT"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = self.path.partition("?")[2]
            asked = urllib.request.Request(
                f"{behind}?{query}", headers={"X-IDENTITY-HEADER": self.headers["X-IDENTITY-HEADER"]}
            )
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(asked, timeout=10) as response:
                body = response.read()
            tell(json.loads(body)["access_token"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield {**app_service, "IDENTITY_ENDPOINT": f"http://127.0.0.1:{server.server_port}/msi/token"}
        finally:
            server.shutdown()
            thread.join()
