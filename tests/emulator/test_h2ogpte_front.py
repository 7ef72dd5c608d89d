"""The real h2ogpte clients against the front, which verifies every token."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import ssl
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from h2ogpte.errors import UnauthorizedError
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from h2ogpte import H2OGPTE, H2OGPTEAsync

if TYPE_CHECKING:
    import httpx

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

pytestmark = [
    pytest.mark.usefixtures("trusting"),
    # What h2ogpte itself does with httpx.
    pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated"),
    # The shared client's bare SSLContext(): its first import silences that, a later one does not.
    pytest.mark.filterwarnings("ignore:ssl.(SSLContext|PROTOCOL_TLS)"),
]
SCHEMES = ["Bearer-Token", "Bearer-AD"]


class Static:
    def __init__(self, value: str) -> None:
        self.value = value

    def token(self) -> str:
        return self.value


class AsyncStatic(Static):
    async def token(self) -> str:  # type: ignore[override]
        return self.value


def credentials(scheme: str, token: str, kind: type[Static] = Static) -> dict[str, Any]:
    return {"azure_token": token} if scheme == "Bearer-AD" else {"token_provider": kind(token)}


def client(e: Emulator, scheme: str, token: str) -> H2OGPTE:
    return H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, **credentials(scheme, token))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_client(e: Emulator, caller: Caller, scheme: str) -> None:
    token = caller.access_token()
    gpte = client(e, scheme, token)
    assert [collection.name for collection in gpte.list_recent_collections(0, 10)] == ["Emulated collection"]
    assert gpte.count_collections() == 1
    with gpte.connect(gpte.create_chat_session()) as session:
        assert session.query("Hello?", timeout=10).content == "You asked: Hello?"
    assert e.front.refused == 0
    assert [(r.method, r.path) for r in e.front.records] == [
        ("GET", "/rpc/meta"),
        ("GET", "/api/v1/collections"),
        ("GET", "/api/v1/collections/count"),
        ("POST", "/api/v1/chats"),
        ("WEBSOCKET", "/ws"),
        ("QUERY", "/ws"),
    ]
    assert {record.scheme for record in e.front.records} == {scheme}
    (digests,) = e.front.tokens_by_client.values()
    assert digests == [hashlib.sha256(token.encode()).hexdigest()]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_asynchronous_client(e: Emulator, caller: Caller, scheme: str) -> None:
    async def use() -> str:
        gpte = H2OGPTEAsync(
            address=e.h2ogpte_url, verify=e.ca_file, **credentials(scheme, caller.access_token(), AsyncStatic)
        )
        async with gpte:
            assert len(await gpte.list_recent_collections(0, 10)) == 1
            async with gpte.connect(await gpte.create_chat_session()) as session:
                answer = await session.query("Hello?", timeout=10)
        return str(answer.content)

    assert asyncio.run(use()) == "You asked: Hello?"
    with warnings.catch_warnings():
        # The client's aiohttp leaves a TLS connection to be closed by a loop that has ended.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert (e.front.refused, e.front.verified) == (0, 5)


def test_the_shared_client(e: Emulator, caller: Caller) -> None:
    from h2ogpte.shared_client import SharedH2OGPTEClient

    shared = SharedH2OGPTEClient(address=e.h2ogpte_url, azure_token=caller.access_token())
    try:
        assert shared.query("some-session", "Hello?", timeout=10).content == "You asked: Hello?"
    finally:
        shared.close()
    assert [record.method for record in e.front.records] == ["WEBSOCKET", "QUERY"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_expired_token_is_refused_everywhere(e: Emulator, caller: Caller, scheme: str) -> None:
    gpte = client(e, scheme, caller.access_token())
    chat = gpte.create_chat_session()
    e.advance(3600)
    for call in (gpte.get_meta, gpte.count_collections, gpte.connect(chat).connect):
        with pytest.raises(UnauthorizedError):
            call()
    assert {record.reason for record in e.front.records if not record.verified} == {"the token has expired"}
    with pytest.raises(UnauthorizedError):
        client(e, scheme, caller.token().json()["access_token"] + "A")


def get(e: Emulator, caller: Caller, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return caller.http.get(f"{e.h2ogpte_url}/rpc/meta", headers=headers)


def test_what_is_wrong_with_a_token_is_recorded(e: Emulator, caller: Caller) -> None:
    good = caller.access_token()
    for_another = caller.token(scope="https://vault.azure.net/.default").json()["access_token"]
    foreign = jwt.encode({"aud": "x", "iss": e.issuer, "exp": 2**31, "nbf": 0, "iat": 0}, "k" * 32, algorithm="HS256")
    e.fail("token", fault="expired", times=1)
    for authorization, reason in (
        (None, "no Authorization header"),
        (f"Bearer {good}", "the scheme Bearer is not accepted"),
        (f"Bearer-AD {for_another}", "InvalidAudienceError"),
        (f"Bearer-AD {foreign}", "InvalidAlgorithmError"),
        (f"Bearer-AD {good[:-4]}AAAA", "InvalidSignatureError"),
        (f"Bearer-AD {caller.access_token()}", "the token has expired"),
        ("Bearer-AD None", "DecodeError"),
    ):
        assert get(e, caller, authorization).status_code == 401
        assert e.front.records[-1].reason.startswith(reason)
    assert good not in repr(e.front.records)


@pytest.mark.parametrize(
    ("kind", "content_type"), [("json", "application/json"), ("html", "text/html; charset=utf-8"), ("empty", None)]
)
def test_the_refusals_body_is_a_switch(e: Emulator, caller: Caller, kind: str, content_type: str | None) -> None:
    e.front.refusal_body = kind
    response = get(e, caller, None)
    assert (response.status_code, response.headers.get("content-type")) == (401, content_type)


def test_the_accepted_schemes_are_a_switch(e: Emulator, caller: Caller) -> None:
    e.front.schemes = frozenset({"Bearer-AD"})
    token = caller.access_token()
    with pytest.raises(UnauthorizedError):
        client(e, "Bearer-Token", token)
    assert client(e, "Bearer-AD", token)


def test_a_refresh_token_that_leaks_is_counted(e: Emulator, caller: Caller) -> None:
    class Leaking(Static):
        refresh_token = "leaked"

    H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, token_provider=Leaking(caller.access_token()))
    assert e.front.leaked_refresh_tokens == 1


def test_faults_reach_the_front_too(e: Emulator, caller: Caller) -> None:
    gpte = client(e, "Bearer-AD", caller.access_token())
    with e.fail("h2ogpte", status=401, body={"message": "no", "error": "no"}), pytest.raises(UnauthorizedError):
        gpte.count_collections()
    with e.fail("h2ogpte", fault="refuse"), pytest.raises(Exception, match=r"refused|Max retries"):
        gpte.get_meta()
    assert gpte.count_collections() == 1


@pytest.mark.parametrize("kind", ["json", "html", "empty"])
def test_a_bare_401_by_switch_is_the_fronts_own(e: Emulator, caller: Caller, kind: str) -> None:
    e.front.refusal_body = kind
    authorization = f"Bearer-AD {caller.access_token()}"
    with e.fail("h2ogpte", status=401, times=1):
        response = get(e, caller, authorization)
    assert response.status_code == 401
    assert response.text[:1] == {"json": "{", "html": "<", "empty": ""}[kind]
    assert get(e, caller, authorization).status_code == 200


def test_a_token_is_revoked(e: Emulator, caller: Caller) -> None:
    first, second, third = (f"Bearer-AD {caller.access_token()}" for _ in range(3))
    e.front.revoke(first.removeprefix("Bearer-AD "))
    assert [get(e, caller, each).status_code for each in (first, second)] == [401, 200]
    e.front.revoke_seen()
    assert [get(e, caller, each).status_code for each in (second, third)] == [401, 200]
    assert {record.reason for record in e.front.records} == {"", "the token has been revoked"}


def test_open_sockets_are_dropped(e: Emulator, caller: Caller) -> None:
    gpte = client(e, "Bearer-AD", caller.access_token())
    with gpte.connect(gpte.create_chat_session()) as session:
        assert session.query("one", timeout=10)
        e.drop_connections()
        assert session.query("two", timeout=10).content == "You asked: two"
    assert [record.method for record in e.front.records].count("WEBSOCKET") == 2
    with pytest.raises(ValueError, match="no listener"):
        e.drop_connections("moon")


def test_a_fault_of_sockets_only(e: Emulator, caller: Caller) -> None:
    gpte = client(e, "Bearer-AD", caller.access_token())
    chat = gpte.create_chat_session()
    with e.fail("h2ogpte_ws", status=401):
        assert gpte.count_collections() == 1
        with pytest.raises(UnauthorizedError):
            gpte.connect(chat).connect()


@pytest.mark.parametrize("held", [False, True])
def test_stopping_with_a_socket_open(caller: Caller, held: bool) -> None:
    e = caller.e
    context = ssl.create_default_context(cafile=e.ca_file)
    address = e.h2ogpte_url.replace("https", "wss") + "/ws"
    headers = {"Authorization": f"Bearer-AD {caller.access_token()}", "Session-Id": "mine"}

    def connected() -> ClientConnection:
        return connect(address, additional_headers=headers, ssl_context=context, open_timeout=10)

    with ThreadPoolExecutor() as pool:
        if held:
            gate = e.hold("h2ogpte_ws")
            future = pool.submit(connected)
            assert gate.arrived.wait(30)
            e.stop()
            with pytest.raises((ConnectionClosed, InvalidHandshake, OSError)):
                future.result(30)
        else:
            socket = connected()
            e.stop()
            with pytest.raises(ConnectionClosed):
                socket.recv(10)
            socket.close()
