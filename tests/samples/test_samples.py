"""Every sample runs as it is: the environment alone says that there is an emulator."""

from __future__ import annotations

import re
import ssl
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from entra_tokens.emulator import Emulator
from programs import Program, approving, failures, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Interrupt

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*.py"))
COLLECTION = "Emulated collection"

CONTAINERS = b"""<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults ServiceEndpoint="https://localhost/"><Containers>
<Container><Name>photographs</Name><Properties><Etag>"0x1"</Etag>
<Last-Modified>Tue, 24 Nov 2026 08:00:00 GMT</Last-Modified></Properties></Container>
</Containers><NextMarker /></EnumerationResults>"""


class Storage(ThreadingHTTPServer):
    """As much of a blob service as lists containers; keeps the tokens that it was shown."""

    def __init__(self, authority: trustme.CA) -> None:
        self.authorizations: list[str] = []
        super().__init__(("localhost", 0), _Containers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)


class _Containers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Storage)
        self.server.authorizations.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(CONTAINERS)))
        self.end_headers()
        self.wfile.write(CONTAINERS)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def storage(ca_file: Path) -> Iterator[Storage]:
    authority = trustme.CA()
    with Storage(authority) as server:
        ca_file.write_bytes(ca_file.read_bytes() + authority.cert_pem.bytes())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Visitor:
    """Calls on the service: at first, and again when its token has been renewed without anybody's asking."""

    def __init__(self) -> None:
        self.address = ""
        self.renewals = 0
        self.seen: list[str] = []

    def __call__(self, line: str, interrupt: Interrupt) -> None:
        if line.startswith("serving on "):
            self.address = line.split()[-1]
            self.seen.append(self._get("/"))
        if line.startswith("renewed"):
            self.renewals += 1
            if self.renewals == 3:
                self.seen += [self._get("/"), self._get("/health")]
                interrupt()

    def _get(self, path: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.address + path, timeout=10) as response:
            return response.read().decode()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_short_and_says_what_it_needs(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    introduction = text.split('"""')[1]
    needed = set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', text))
    assert needed - set(re.findall(r"[A-Z][A-Z0-9_]+", introduction)) == set()


def test_every_sample_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in SAMPLES if f"samples/{path.name}" not in readme] == []


@pytest.mark.timeout(120)
def test_every_sample_runs(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    visitor = Visitor()
    with Emulator(interval=0.1, refresh_in=1) as emulator:
        ca_file.write_bytes(Path(emulator.ca_file).read_bytes())
        with storage(ca_file) as blobs:
            always = {
                "SSL_CERT_FILE": str(ca_file),
                "REQUESTS_CA_BUNDLE": str(ca_file),
                "H2OGPTE_ADDRESS": emulator.h2ogpte_url,
                "ENTRA_TOKENS_SCOPE": emulator.h2ogpte_scope,
                "STORAGE_URL": f"https://localhost:{blobs.server_port}",
                "PORT": "0",
            }
            app = {**emulator.environ("client_secret"), **always}
            person = {name: value for name, value in app.items() if name != "AZURE_CLIENT_SECRET"}
            programs = {
                "managed_identity": Program(ROOT, {**always, **emulator.environ("imds")}),
                "client_secret": Program(ROOT, app),
                "azure_cli": Program(ROOT, {**always, **emulator.environ("azure_cli")}),
                "device_code": Program(ROOT, person, react=approving(emulator)),
                "service_keep_fresh": Program(ROOT, app, react=visitor),
                "azure_sdk_client": Program(ROOT, app),
                "shared_client": Program(ROOT, {**always, **emulator.environ("imds")}),
                # Last: h2ogpte.shared_client switches the warnings of the whole process off.
                "websocket_one_shot": Program(ROOT, {**always, **emulator.environ("app_service")}),
            }
            assert sorted(programs) == [path.stem for path in SAMPLES]
            for path in SAMPLES:
                programs[path.stem].path = path  # there is one of each
            run(list(programs.values()), tmp_path)
            assert not failures(list(programs.values())), failures(list(programs.values()))

            said = {name: program.output for name, program in programs.items()}
            both = f"sync:  {COLLECTION}\nasync: {COLLECTION}\n"
            assert said["managed_identity"].startswith(both + "token requests for both: 1; expires: ")
            assert said["client_secret"] == "sync:  You asked: What is a token?\nasync: You asked: What is a token?\n"
            assert said["azure_cli"] == both
            assert said["device_code"].startswith(f"Open {emulator.authority}/")
            assert said["device_code"].endswith(both)
            assert visitor.seen[:2] == [f"{COLLECTION}\n", f"{COLLECTION}\n"]
            assert visitor.seen[2].startswith("ProviderStatus(state=")
            assert said["websocket_one_shot"] == "You asked: What is a token?\nYou asked: And who renews it?\n"
            answers = [f"You asked: {each}" for each in ("What is a token?", "Who renews it?", "And then?")]
            expected = [f"{face} {answer}" for face in ("sync: ", "async:") for answer in answers]
            assert said["shared_client"].splitlines() == expected
            assert said["azure_sdk_client"] == "sync:  photographs\nasync: photographs\n"
            assert len(blobs.authorizations) == 2
            assert all(shown.startswith("Bearer ey") for shown in blobs.authorizations)
        assert emulator.front.refused == 0
        assert "device_code" in {record.grant for record in emulator.requests}
