"""Every sample runs as it is: the environment alone says that there is an emulator."""

from __future__ import annotations

import re
import ssl
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import redis
import trustme

from agreeing import agreeing
from entra_tokens.emulator import Emulator
from entra_tokens.token import unverified_claims
from programs import Program, approving, failures, run
from valkey_server import valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Interrupt

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*.py"))
CONSUMERS = ROOT / "tests" / "consumers"
# Run by `make test-consumers`, where the packages are that they need.
IN_GROUPS = {
    "ai": ("langchain_openai_model", "litellm_completion", "openai_client"),
    "azure": ("adlfs_files", "keyvault_secrets", "kiota_graph"),
    "h2o": ("h2o_clients",),
    "postgres": ("asyncpg_and_psycopg", "sqlalchemy_engine"),
    "web": ("celery_worker", "fastapi_service", "functions", "gunicorn_app"),
}
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
def storage(authority: trustme.CA) -> Iterator[Storage]:
    with Storage(authority) as server:
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
            if self.renewals >= 3:
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


def test_every_sample_is_named_in_their_readme() -> None:
    assert "(samples/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    readme = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in SAMPLES if f"({path.name})" not in readme] == []


@pytest.mark.parametrize("group", IN_GROUPS)
def test_a_sample_that_is_not_run_here_is_run_in_its_group(group: str) -> None:
    text = (CONSUMERS / group / "test_samples.py").read_text(encoding="utf-8")
    assert tuple(name for name in IN_GROUPS[group] if f'"{name}"' in text) == IN_GROUPS[group]


class Rounds:
    """Has seen enough of a daemon after two rounds."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, line: str, interrupt: Interrupt) -> None:
        if line.startswith("async:"):
            self.seen += 1
            if self.seen >= 2:
                interrupt()


def cells(path: Path) -> list[tuple[int, str]]:
    """A notebook's code, cell by cell, with the number of lines above each."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True)):
        if line.startswith("# %%"):
            found.append((number + 1, ""))
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


@contextmanager
def grpc_service(folder: Path, authority: trustme.CA) -> Iterator[tuple[str, list[str]]]:
    """Echoes over TLS; keeps the tokens that it was shown."""
    shown: list[str] = []

    def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
        shown.append(dict(context.invocation_metadata())["authorization"])
        return request

    certificate = authority.issue_cert("localhost")
    server = grpc.server(ThreadPoolExecutor(2))
    handlers = {"Check": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    server.start()
    try:
        yield f"localhost:{port}", shown
    finally:
        server.stop(None).wait()


@contextmanager
def redis_server(app_service: dict[str, str]) -> Iterator[dict[str, str]]:
    """A Redis whose user's password is the token; the variables of a place that hands them out."""
    with valkey() as port, redis.Redis("127.0.0.1", port) as admin:

        def agree(token: str) -> None:
            user = str(unverified_claims(token)["oid"])
            admin.execute_command("ACL", "SETUSER", user, "on", f">{token}", "allkeys", "+@all")

        with agreeing(app_service, agree) as environ:
            yield {**environ, "REDIS_URL": f"redis://localhost:{port}"}


@pytest.mark.timeout(120)
def test_every_sample_runs(tmp_path: Path) -> None:
    ca_file, authority = tmp_path / "ca.pem", trustme.CA()
    visitor = Visitor()
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator(interval=0.1, refresh_in=1))
        ca_file.write_bytes(Path(emulator.ca_file).read_bytes() + authority.cert_pem.bytes())
        blobs = stack.enter_context(storage(authority))
        grpc_target, grpc_shown = stack.enter_context(grpc_service(tmp_path, authority))
        url = f"https://localhost:{blobs.server_port}"
        always = {
            "SSL_CERT_FILE": str(ca_file),
            "REQUESTS_CA_BUNDLE": str(ca_file),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(ca_file),
            "H2OGPTE_ADDRESS": emulator.h2ogpte_url,
            "ENTRA_TOKENS_SCOPE": emulator.h2ogpte_scope,
            "STORAGE_URL": url,
            "API_URL": f"{url}/items",
            "GRPC_TARGET": grpc_target,
            "PORT": "0",
            "EVERY": "0.5",  # Ctrl-C meets it asleep
        }
        with_redis: dict[str, str] = {}
        if sys.platform == "linux":
            with_redis = stack.enter_context(redis_server(emulator.environ("app_service")))
        app = {**emulator.environ("client_secret"), **always}
        person = {name: value for name, value in app.items() if name != "AZURE_CLIENT_SECRET"}
        assigned = emulator.identities.user_assigned[0].client_id
        programs = {
            "aks": Program(ROOT, {**emulator.environ("workload_identity"), **always}),
            "app_service": Program(ROOT, {**emulator.environ("app_service"), **always}),
            "azure_cli": Program(ROOT, {**emulator.environ("azure_cli"), **always}),
            "azure_sdk_client": Program(ROOT, app),
            "client_secret": Program(ROOT, app),
            "container_apps": Program(ROOT, {**emulator.environ("app_service"), **always, "AZURE_CLIENT_ID": assigned}),
            "daemon": Program(
                ROOT, {**person, "AZURE_CLIENT_CERTIFICATE_PATH": emulator.client_certificate}, react=Rounds()
            ),
            "device_code": Program(ROOT, person, react=approving(emulator)),
            "github_actions": Program(ROOT, {**emulator.environ("github_actions"), **always}),
            "grpc_client": Program(ROOT, app),
            "httpx_client": Program(ROOT, app),
            "managed_identity": Program(ROOT, {**emulator.environ("imds"), **always}),
            "notebook": Program(
                ROOT, person, blocks=cells(ROOT / "samples" / "notebook.py"), react=approving(emulator)
            ),
            "redis_client": Program(ROOT, {**with_redis, **always}),
            "requests_and_aiohttp": Program(ROOT, app),
            "service_keep_fresh": Program(ROOT, app, react=visitor),
            "shared_client": Program(ROOT, {**emulator.environ("imds"), **always}),
            "vm": Program(ROOT, {**emulator.environ("imds"), **always}),
            # Last: h2ogpte.shared_client switches the warnings of the whole process off.
            "websocket_one_shot": Program(ROOT, {**emulator.environ("app_service"), **always}),
        }
        if not with_redis:
            del programs["redis_client"]
        elsewhere = [name for names in IN_GROUPS.values() for name in names]
        assert sorted({*programs, *elsewhere, "redis_client"}) == [path.stem for path in SAMPLES]
        for name, program in programs.items():
            program.path = ROOT / "samples" / f"{name}.py"
        run(list(programs.values()), tmp_path)
        assert not failures(list(programs.values())), failures(list(programs.values()))

        said = {name: program.output for name, program in programs.items()}
        both = f"sync:  {COLLECTION}\nasync: {COLLECTION}\n"
        assert said["managed_identity"].startswith(both + "token requests for both: 1; expires: ")
        assert said["client_secret"] == "sync:  You asked: What is a token?\nasync: You asked: What is a token?\n"
        for name in ("aks", "app_service", "azure_cli", "container_apps", "github_actions", "vm"):
            assert said[name] == both, name
        for name in ("device_code", "notebook"):
            assert f"{emulator.authority}/" in said[name].splitlines()[0], name
            assert both in said[name], name
        assert said["daemon"].startswith("sync:  1\nasync: 1\nsync:  1\nasync: 1\n")
        assert visitor.seen[:2] == [f"{COLLECTION}\n", f"{COLLECTION}\n"]
        assert visitor.seen[2].startswith("ProviderStatus(state=")
        assert said["websocket_one_shot"] == "You asked: What is a token?\nYou asked: And who renews it?\n"
        answers = [f"You asked: {each}" for each in ("What is a token?", "Who renews it?", "And then?")]
        expected = [f"{face} {answer}" for face in ("sync: ", "async:") for answer in answers]
        assert said["shared_client"].splitlines() == expected
        assert said["azure_sdk_client"] == "sync:  photographs\nasync: photographs\n"
        assert said["httpx_client"] == said["requests_and_aiohttp"] == "sync:  200\nasync: 200\n"
        assert len(blobs.authorizations) == 6
        assert said["grpc_client"] == "sync:  b'hello'\nasync: b'hello'\n"
        assert not with_redis or said["redis_client"] == "sync:  b'hello'\nasync: b'hello'\n"
        assert all(shown.startswith("Bearer ey") for shown in blobs.authorizations + grpc_shown)
        assert emulator.front.refused == 0
        assert "device_code" in {record.grant for record in emulator.requests}
