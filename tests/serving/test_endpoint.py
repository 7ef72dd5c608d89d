"""The endpoint, asked by clients that mean well and by others, over real sockets."""

from __future__ import annotations

import os
import resource
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from engine.faces import until
from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    InteractionRequired,
    Token,
    TokenProvider,
)
from entra_tokens.serving.app_service import AppServiceForm
from entra_tokens.serving.connection import Limits
from entra_tokens.serving.endpoint import Endpoint
from entra_tokens.serving.imds import ImdsForm
from entra_tokens.serving.listening import listen
from entra_tokens.serving.tokens import Tokens
from entra_tokens.testing import ScriptedCredential, fresh_engine
from serving.kit import RESOURCE, address_of, raw, reply, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.serving.form import Form

    Open = Callable[..., Endpoint]

FORMS = [AppServiceForm, ImdsForm]


@pytest.fixture
def credential() -> ScriptedCredential:
    return ScriptedCredential()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def opened(credential: ScriptedCredential, said: list[str]) -> Iterator[Open]:
    """Opens endpoints, and closes them."""
    made: list[Endpoint] = []

    def make(form: Form | None = None, scopes: tuple[str, ...] = (), **options: object) -> Endpoint:
        tokens = Tokens(lambda scope: TokenProvider(credential, scope, keep_fresh=True), scopes)
        endpoint = Endpoint(form or AppServiceForm(), tokens, say=said.append, **options)  # type: ignore[arg-type]
        made.append(endpoint)
        endpoint.open()
        return endpoint

    with fresh_engine():
        yield make
        for endpoint in made:
            endpoint.close()


def test_app_service_answers_as_its_clients_parse_it(opened: Open) -> None:
    endpoint = opened()
    status, headers, body = reply(raw(endpoint.environ, request(endpoint.environ)))
    assert status == 200
    assert body.keys() == {"access_token", "expires_on", "resource", "token_type"}
    assert body["access_token"] == "token-1"
    assert body["expires_on"].isdigit()
    assert body["resource"] == RESOURCE
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert "server" not in headers
    assert not {name for name in headers if name.startswith("access-control")}


def test_imds_answers_as_its_clients_parse_it(opened: Open) -> None:
    endpoint = opened(ImdsForm())
    body = reply(raw(endpoint.environ, request(endpoint.environ))).body
    assert body["access_token"] == "token-1"
    assert 3500 < int(body["expires_in"]) <= 3600
    assert all(isinstance(value, str) for value in body.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Host": None}, 400),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1"}, 403),  # another port, or none: not ours
        ({"Host": "localhost:1"}, 403),
        ({"Host": "localhost.:{port}"}, 403),
        ({"Host": "127.0.0.1:{port}@evil.example"}, 403),
        ({"Host": "evil.example, 127.0.0.1:{port}"}, 403),
        ({"Host": "127.1:{port}"}, 403),
        ({"X-Forwarded-For": "127.0.0.1"}, 403),
        ({"X-Forwarded-Host": "localhost"}, 403),
        ({"Forwarded": "for=127.0.0.1"}, 403),
        ({"Via": "1.1 proxy"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 403),
        ({"Referer": "http://localhost/"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"method": "POST"}, 405),
        ({"method": "HEAD"}, 405),
        ({"method": "OPTIONS", "Access-Control-Request-Private-Network": "true"}, 405),
        ({"method": "CONNECT"}, 405),
        ({"Content-Length": "5"}, 400),
        ({"Transfer-Encoding": "chunked"}, 400),
        ({"query": "resource=api://x"}, 400),
        ({"query": "api-version={version}"}, 400),
        ({"query": "api-version={version}&resource="}, 400),
        ({"query": "api-version={version}&resource=a&resource=b"}, 400),
        ({"query": "api-version={version}&resource=a%0d%0aSet-Cookie:%20b"}, 400),
        ({"query": "api-version={version}&resource=%ff"}, 400),
        ({"query": "api-version={version}&resource=$(id)"}, 400),
        ({"query": "api-version={version}&resource=a&client_id=b&object_id=c"}, 400),
        ({"query": "api-version={version}&resource=a&" + "&".join(f"a{n}=" for n in range(40))}, 400),
        ({"X-Long": "x" * 40_000}, 431),
    ],
)
def test_no_token_for(form: type[Form], changed: dict[str, str], status: int, opened: Open) -> None:
    endpoint = opened(form())
    _, port = address_of(endpoint.environ)
    version = "2018-02-01" if form is ImdsForm else "2019-08-01"
    fill = {name: value and value.format(port=port, version=version) for name, value in changed.items()}
    answer = reply(raw(endpoint.environ, request(endpoint.environ, **fill)))
    assert answer.status == status
    assert "access_token" not in answer.body
    assert endpoint.served == 0


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"X-IDENTITY-HEADER": None}, 401),
        ({"X-IDENTITY-HEADER": "wrong"}, 401),
        ({"X-IDENTITY-HEADER": "{secret}x"}, 401),
        ({"X-IDENTITY-HEADER": "{secret}\r\nX-Identity-Header: {secret}"}, 401),
        ({"X-IDENTITY-HEADER": "\xe9"}, 401),
        (
            {"X-IDENTITY-HEADER": None, "query": "api-version=2019-08-01&resource=api://x&X-IDENTITY-HEADER={secret}"},
            401,
        ),
        ({"X-IDENTITY-HEADER": None, "path": "/nowhere"}, 401),  # who has no secret learns no path
        ({"path": "/msi/../msi/token"}, 404),
        ({"path": "//msi/token"}, 404),
        ({"path": "/msi/token/"}, 404),
        ({"path": "/msi%2ftoken"}, 404),
        ({"path": "http://127.0.0.1/msi/token"}, 404),
        ({"query": "api-version=2017-09-01&resource=api://x"}, 400),
    ],
)
def test_no_app_service_token_for(changed: dict[str, str], status: int, opened: Open) -> None:
    endpoint = opened()
    secret = endpoint.environ["IDENTITY_HEADER"]
    fill = {name: value and value.format(secret=secret) for name, value in changed.items()}
    received = raw(endpoint.environ, request(endpoint.environ, **fill))
    assert reply(received).status == status
    assert secret.encode() not in received


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"path": "/metadata/identity/oauth2/token"}, 403),  # what a page would try
        ({"path": "/{prefix}/metadata/identity/oauth2/token//"}, 403),
        ({"path": "/{prefix}//metadata/identity/oauth2/token"}, 403),
        ({"path": "/x/../{prefix}/metadata/identity/oauth2/token"}, 403),
        ({"path": "/{prefix}"}, 403),
        ({"Metadata": None}, 400),  # a probe: an answer, at once, and no token
        ({"Metadata": "false"}, 400),
        ({"Metadata": "true\r\nMetadata: true"}, 400),
        ({"query": "api-version=2017-01-01&resource=api://x"}, 400),
        ({"query": "api-version=9&resource=api://x"}, 400),
    ],
)
def test_no_imds_token_for(changed: dict[str, str], status: int, opened: Open) -> None:
    form = ImdsForm()
    endpoint = opened(form)
    fill = {name: value and value.replace("{prefix}", form.prefix) for name, value in changed.items()}
    received = raw(endpoint.environ, request(endpoint.environ, **fill))
    assert reply(received).status == status
    assert form.prefix.encode() not in received


def test_what_follows_a_request_is_not_another_one(opened: Open) -> None:
    endpoint = opened()
    good = request(endpoint.environ)
    assert raw(endpoint.environ, good + good).count(b"HTTP/1.1") == 1
    hidden = good.replace(b"\r\n\r\n", f"\r\nContent-Length: {len(good)}\r\n\r\n".encode()) + good
    for sent in (hidden, hidden + b"x" * 100_000):  # more than is read: the answer arrives, not a reset
        received = raw(endpoint.environ, sent)
        assert received.count(b"HTTP/1.1") == 1
        assert reply(received).status == 400


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\nHost : x\n\n"])
def test_what_is_no_http_is_refused(sent: bytes, opened: Open) -> None:
    endpoint = opened()
    assert reply(raw(endpoint.environ, sent)).status == 400


def test_who_sends_slowly_or_nothing_is_cut_off(opened: Open) -> None:
    endpoint = opened(limits=Limits(head=0.05))
    for sent in (b"GET /msi/token HTTP/1.1\r\nX-A:", b""):
        with socket.create_connection(address_of(endpoint.environ), timeout=20) as slow:
            slow.sendall(sent)
            assert reply(slow.recv(65536)).status == 408


def test_who_sends_nothing_holds_up_nobody(opened: Open) -> None:
    endpoint = opened()
    with socket.create_connection(address_of(endpoint.environ)):
        assert reply(raw(endpoint.environ, request(endpoint.environ))).status == 200
    endpoint.close()
    endpoint.close()


def test_a_client_that_leaves_ends_nothing(opened: Open, credential: ScriptedCredential) -> None:
    endpoint = opened()
    credential.hold()
    with socket.create_connection(address_of(endpoint.environ)) as client:
        client.sendall(request(endpoint.environ))
        assert credential.wait_for_call()
    credential.release()
    assert reply(raw(endpoint.environ, request(endpoint.environ))).body["access_token"] == "token-1"


def test_many_cold_clients_cost_one_request(opened: Open, credential: ScriptedCredential) -> None:
    endpoint = opened()
    credential.hold()
    with ThreadPoolExecutor(32) as pool:
        asking = [pool.submit(raw, endpoint.environ, request(endpoint.environ)) for _ in range(32)]
        assert credential.wait_for_call()
        credential.release()
        assert {reply(each.result()).body["access_token"] for each in asking} == {"token-1"}
    assert credential.calls == 1


def test_it_gives_what_it_may(opened: Open, credential: ScriptedCredential, said: list[str]) -> None:
    endpoint = opened(scopes=("https://storage.azure.com/.default", "api://h2ogpte/.default"))
    for name, status in (
        ("https://storage.azure.com/", 200),
        ("https://storage.azure.com", 200),
        ("api://h2ogpte/.default", 200),
        ("https://management.azure.com/", 400),
        ("api://h2ogpte/.default/.default", 400),
        ("api://h2ogpte.evil", 400),
    ):
        answer = reply(
            raw(endpoint.environ, request(endpoint.environ, query=f"api-version=2019-08-01&resource={name}"))
        )
        assert answer.status == status, name
    assert [one.scopes for one in credential.requests] == [
        ("https://storage.azure.com//.default",),
        ("https://storage.azure.com/.default",),
        ("api://h2ogpte/.default",),
    ]
    assert len(said) == 1
    assert "another resource" in said[0]


def test_whoever_is_named_gets_the_one_there_is_and_the_person_hears_of_it_once(opened: Open, said: list[str]) -> None:
    endpoint = opened()
    query = f"api-version=2019-08-01&resource={RESOURCE}&client_id=some-id"
    for _ in range(2):
        body = reply(raw(endpoint.environ, request(endpoint.environ, query=query))).body
        assert body["client_id"] == "some-id"
    assert len(said) == 1
    assert "some-id" not in said[0], "a client's text does not reach a terminal"


@pytest.mark.parametrize(
    ("failure", "status", "text"),
    [
        (AuthorityUnavailable("The authority answers 503."), 503, "answers 503"),
        (AuthenticationFailed("AADSTS7000215", error="invalid_client"), 400, "AADSTS7000215"),
        (InteractionRequired("AADSTS50076: another factor."), 400, "type: entra-tokens login"),
        (AuthorityUnavailable("It said eyJhbGciOiJub25lIn0.eyJhIjoxfQ.sig"), 503, "<hidden>"),
        (AuthenticationFailed("It said \x1b[2J\nand more"), 400, "It said ?[2J and more"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_failure_says_why_without_a_secret(
    form: type[Form],
    failure: Exception,
    status: int,
    text: str,
    opened: Open,
    credential: ScriptedCredential,
    said: list[str],
) -> None:
    credential.answer(failure)
    endpoint = opened(form())
    answer = reply(raw(endpoint.environ, request(endpoint.environ)))
    assert answer.status == status
    assert text in answer.body["message" if form is AppServiceForm else "error_description"]
    assert len(said) == 1
    assert text in said[0]


def test_no_secret_shows_anywhere(opened: Open) -> None:
    for form in (AppServiceForm(), ImdsForm()):
        endpoint = opened(form)
        secret = form.prefix if isinstance(form, ImdsForm) else form.secret.decode()
        assert len(secret) >= 43  # 256 bits
        assert secret not in repr(form) + repr(endpoint)


@pytest.mark.parametrize(
    ("options", "host", "status"),
    [
        ({"bind": "::1"}, "[::1]:{port}", 200),
        ({"bind": "::1"}, "[::1]", 403),
        ({"bind": "127.0.0.2"}, "127.0.0.2:{port}", 200),
        ({"bind": "0.0.0.0", "allow_hosts": ("host.docker.internal",)}, "host.docker.internal:8000", 200),
        ({"bind": "0.0.0.0", "allow_hosts": ("host.docker.internal",)}, "HOST.docker.internal", 200),
        ({"bind": "0.0.0.0", "allow_hosts": ("host.docker.internal",)}, "localhost:{port}", 200),
        ({"bind": "0.0.0.0", "allow_hosts": ("host.docker.internal",)}, "docker.internal:{port}", 403),
        ({"bind": "0.0.0.0", "allow_hosts": ("host.docker.internal",)}, "host.docker.internal:80@evil.example", 403),
        ({"allow_hosts": ("host.docker.internal:80",)}, "host.docker.internal:81", 403),
        ({"allow_hosts": ("host.docker.internal:80",)}, "host.docker.internal:80", 200),
    ],
)
def test_it_answers_to_its_own_names(options: dict[str, object], host: str, status: int, opened: Open) -> None:
    endpoint = opened(**options)
    port = endpoint._listening.socket.getsockname()[1]
    bound = str(options.get("bind", "127.0.0.1")).replace("0.0.0.0", "127.0.0.1")
    environ = {**endpoint.environ, "IDENTITY_ENDPOINT": f"http://{f'[{bound}]' if ':' in bound else bound}:{port}/"}
    asked = request(environ, Host=host.format(port=port))
    assert reply(raw(environ, asked)).status == status


def test_what_clients_are_told() -> None:
    for options, base, loopback in (
        ({}, "http://127.0.0.1:{port}", True),
        ({"bind": "localhost"}, "http://127.0.0.1:{port}", True),
        ({"bind": "::1"}, "http://[::1]:{port}", True),
        ({"bind": "0.0.0.0", "allow_hosts": ["host.docker.internal"]}, "http://host.docker.internal:{port}", False),
        ({"bind": "0.0.0.0", "allow_hosts": ["host:99", "other"]}, "http://host:99", False),
    ):
        listening = listen(**options)  # type: ignore[arg-type]
        with listening.socket as opened:
            assert listening.base == base.format(port=opened.getsockname()[1])
            assert listening.loopback is loopback


def test_where_it_cannot_listen_it_says_so() -> None:
    with listen().socket as taken:
        port = taken.getsockname()[1]
        for options, text in (
            ({"port": port}, "in use"),
            ({"port": 70000}, "port 70000"),
            ({"bind": "192.0.2.1"}, "Cannot listen on 192.0.2.1"),
            ({"bind": "example.com"}, "takes an IP address"),
            ({"bind": "0.0.0.0"}, "--allow-host"),
            ({"allow_hosts": ["a b"]}, "takes a host's name"),
        ):
            with pytest.raises(ConfigurationError, match=text):
                listen(**options)  # type: ignore[arg-type]


def test_it_ends_with_connections_open(opened: Open, credential: ScriptedCredential) -> None:
    endpoint = opened()
    credential.hold()
    with socket.create_connection(address_of(endpoint.environ), timeout=20) as client:
        client.sendall(request(endpoint.environ))
        assert credential.wait_for_call()
        endpoint.close()
        assert client.recv(10) == b""
    credential.release()
    assert not [each for each in threading.enumerate() if each.name == "entra-tokens-endpoint"]


def test_a_credential_that_breaks_the_rules_does_not_break_the_endpoint(
    opened: Open, credential: ScriptedCredential
) -> None:
    endpoint = opened()
    credential.answer(RuntimeError("secret detail"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        received = raw(endpoint.environ, request(endpoint.environ))
    assert reply(received).status >= 400
    credential.answer(Token("good", expires_on=4e9, scopes=("api://x/.default",)))
    query = "api-version=2019-08-01&resource=api://y"
    assert reply(raw(endpoint.environ, request(endpoint.environ, query=query))).body["access_token"] == "good"


def test_where_no_connection_can_be_accepted_they_wait(opened: Open, said: list[str]) -> None:
    endpoint = opened()
    assert reply(raw(endpoint.environ, request(endpoint.environ))).status == 200
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, before[1]))
        free: list[int] = []
        try:
            with suppress(OSError):  # until there is none left
                while True:
                    free.append(os.dup(client.fileno()))
            client.settimeout(20)
            client.connect(address_of(endpoint.environ))
            until(lambda: said)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for one in free:
                os.close(one)
        client.sendall(request(endpoint.environ))
        assert reply(client.recv(65536)).status == 200
    assert "Too many open files" in said[0]
