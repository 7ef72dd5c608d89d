"""SharedClient and AsyncSharedClient against the emulator's front."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trio
from h2ogpte.errors import UnauthorizedError
from h2ogpte.types import ChatMessage, SessionError

from entra_tokens import ConfigurationError, InvalidCredential, TokenProvider
from entra_tokens.credentials.client_secret import ClientSecret
from entra_tokens.emulator import Emulator
from entra_tokens.h2ogpte import AsyncSharedClient, SharedClient
from entra_tokens.h2ogpte.upgrade import socket_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.emulator.front_ledger import FrontRecord


@pytest.fixture
def client(e: Emulator, provider: TokenProvider) -> Iterator[SharedClient]:
    with SharedClient(e.h2ogpte_url, provider, verify=e.ca_file, timeout=20) as made:
        yield made


def upgrades(e: Emulator) -> list[FrontRecord]:
    return [record for record in e.front.arrivals if record.kind == "h2ogpte_ws"]


def tokens(e: Emulator) -> list[str]:
    return [record.token_digest for record in upgrades(e)]


def until(what: Callable[[], bool]) -> None:
    for _ in range(1000):
        if what():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it has not come to that in ten seconds")


class TestAQuery:
    def test_is_answered(self, e: Emulator, client: SharedClient) -> None:
        answer = client.query("a session", "hello", "be brief", llm="some", llm_args={"temperature": 0})
        assert isinstance(answer, ChatMessage)
        assert answer.content == "You asked: hello"
        assert client.query("a session", "and now?").content == "You asked: and now?"
        assert client.query("another session", "hello").content == "You asked: hello"
        assert [record.path for record in upgrades(e)] == ["/ws", "/ws"]
        assert {(record.scheme, bool(record.session_id)) for record in upgrades(e)} == {("Bearer-AD", True)}

    def test_of_many_threads_in_some_sessions(self, e: Emulator, client: SharedClient) -> None:
        with ThreadPoolExecutor(12) as pool:
            asked = [(f"session {number % 3}", f"question {number}") for number in range(48)]
            answers = list(pool.map(lambda each: client.query(*each).content, asked))
        assert answers == [f"You asked: question {number}" for number in range(48)]
        assert len(upgrades(e)) == 3

    @pytest.mark.parametrize("options", [{"llms": "x"}, {"timeout": 0}, {"timeout": -1}], ids=str)
    def test_that_cannot_be_right(self, e: Emulator, client: SharedClient, options: Any) -> None:
        with pytest.raises((TypeError, ValueError), match=r"llms|Timeout"):
            client.query("a session", "hello", **options)
        assert upgrades(e) == []

    def test_that_the_server_cannot_answer(self, e: Emulator, client: SharedClient) -> None:
        e.fail("h2ogpte_query", body="no such model", times=1)
        with pytest.raises(SessionError, match="Remote error: no such model"):
            client.query("a session", "hello")
        assert client.query("a session", "hello").content == "You asked: hello"
        assert len(upgrades(e)) == 1

    def test_keeps_its_session_id_to_itself(self, e: Emulator, client: SharedClient) -> None:
        for session_id in ("a&currentSessionID=b", "x y/../?#", "\r\nX-Injected: 1", "ü"):
            assert client.query(session_id, "hello").content == "You asked: hello"
        assert socket_url("https://host", "a&b=c/ü\r\n") == "wss://host/ws?currentSessionID=a%26b%3Dc%2F%C3%BC%0D%0A"

    def test_of_a_loop(self, e: Emulator, provider: TokenProvider) -> None:
        client = AsyncSharedClient(e.h2ogpte_url, provider.as_async(), verify=e.ca_file, timeout=20)

        async def main() -> None:
            answers = await asyncio.gather(*(client.query("a session", str(number)) for number in range(8)))
            assert [answer.content for answer in answers] == [f"You asked: {number}" for number in range(8)]

        async def in_trio() -> None:
            assert (await client.query("a session", "trio")).content == "You asked: trio"

        asyncio.run(main())
        asyncio.run(main())  # of another loop
        trio.run(in_trio)
        assert len(upgrades(e)) == 1

        async def at_last() -> None:
            async with client:
                await client.close_session("a session")
                assert (await client.query("a session", "again")).content == "You asked: again"

        asyncio.run(at_last())
        assert len(upgrades(e)) == 2
        assert repr(client) == f"<AsyncSharedClient {e.h2ogpte_url} closed>"

    def test_that_is_cancelled_leaves_alone(self, e: Emulator, provider: TokenProvider) -> None:
        async def main() -> None:
            async with AsyncSharedClient(e.h2ogpte_url, provider, verify=e.ca_file, timeout=20) as client:
                with e.hold("h2ogpte_query") as gate:
                    asked = [asyncio.ensure_future(client.query("a session", str(number))) for number in range(2)]
                    while not gate.arrived.is_set():
                        await asyncio.sleep(0.005)
                    asked[0].cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await asked[0]
                assert (await asked[1]).content == "You asked: 1"

        asyncio.run(main())


class TestTheToken:
    def test_of_a_new_socket_is_the_current_one(self, e: Emulator, client: SharedClient) -> None:
        client.query("a session", "hello")
        e.advance(4000)
        client.query("another session", "hello")
        assert client.query("a session", "again").content == "You asked: again"
        assert len(upgrades(e)) == 3
        assert len(set(tokens(e))) == 2
        assert e.front.refused == 0

    @pytest.mark.parametrize("closes", [False, True])
    def test_of_an_idle_session_is_replaced_before_it_runs_out(
        self, e: Emulator, client: SharedClient, closes: bool
    ) -> None:
        e.front.close_expired_sockets = closes
        client.query("a session", "hello")
        e.advance(3560)  # 40 seconds are left
        until(lambda: len(upgrades(e)) == 2)
        assert len(set(tokens(e))) == 2
        e.advance(60)
        assert client.query("a session", "again").content == "You asked: again"
        assert len(upgrades(e)) == 2

    def test_of_a_session_with_a_query_under_way_is_left_alone(self, e: Emulator, client: SharedClient) -> None:
        client.query("a session", "hello")
        with ThreadPoolExecutor(2) as pool:
            with e.hold("h2ogpte_query") as gate:
                slow = pool.submit(client.query, "a session", "slow")
                assert gate.arrived.wait(10)
                e.advance(4000)
                # The next question to the same session does not wait for it: it goes over a socket of its own.
                quick = pool.submit(client.query, "a session", "quick")
                until(lambda: len(upgrades(e)) == 2)
                assert not slow.done()
            assert quick.result().content == "You asked: quick"
            assert slow.result().content == "You asked: slow"
        assert len(set(tokens(e))) == 2

    @pytest.mark.parametrize("form", ["json", "html", "empty"])
    @pytest.mark.parametrize("keeps_open", [False, True])
    def test_that_is_refused_is_renewed(self, e: Emulator, client: SharedClient, form: str, keeps_open: bool) -> None:
        e.front.switch(refusal_body=form, refusal_keeps_open=keeps_open, schemes={"Bearer-AD"})
        client.query("a session", "hello")
        e.front.revoke_seen()
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda number: client.query(f"session {number}", "hello").content, range(6)))
        assert answers == ["You asked: hello"] * 6
        assert len(e.token_requests) == 2
        e.front.schemes = frozenset()
        before = len(upgrades(e))
        with pytest.raises(UnauthorizedError):
            client.query("the last", "hello")
        assert [each.status for each in upgrades(e)[before:]] == [401, 401]

    def test_is_sent_under_the_scheme_that_the_server_takes(self, e: Emulator, client: SharedClient) -> None:
        e.front.schemes = frozenset({"Bearer-Token"})
        for session_id in ("one", "two"):
            assert client.query(session_id, "hello").content == "You asked: hello"
        assert [each.scheme for each in upgrades(e)] == ["Bearer-AD", "Bearer-Token", "Bearer-Token"]
        assert len(e.token_requests) == 1

    def test_that_cannot_be_had(self, e: Emulator) -> None:
        wrong = ClientSecret(e.tenant_id, e.client_id, "wrong", authority=e.authority, verify=e.ca_file)
        with (
            SharedClient(e.h2ogpte_url, wrong, scope=e.h2ogpte_scope, verify=e.ca_file) as client,
            pytest.raises(InvalidCredential),
        ):
            client.query("a session", "hello", timeout=20)

    def test_is_in_no_error(self, e: Emulator, client: SharedClient, provider: TokenProvider) -> None:
        e.front.schemes = frozenset()
        with pytest.raises(UnauthorizedError) as raised:
            client.query("a session", "hello")
        frames = [entry.frame for entry in raised.traceback]
        shown = [repr(value) for frame in frames for value in frame.f_locals.values()]
        assert not [text for text in shown if str(provider.token()) in text]


class TestALostSocket:
    @pytest.mark.parametrize("how", ["reset", "closed", "after each answer"])
    def test_heals(self, e: Emulator, client: SharedClient, how: str) -> None:
        e.front.socket_answers = 1 if how == "after each answer" else None
        for number in range(3):
            assert client.query("a session", str(number)).content == f"You asked: {number}"
            if how == "reset":
                e.drop_connections()
            elif how == "closed":
                e.front.sockets.close()
        assert len(upgrades(e)) == 3

    @pytest.mark.parametrize("how", ["reset", "close"])
    def test_fails_the_query_under_way_and_no_other(self, e: Emulator, client: SharedClient, how: str) -> None:
        e.fail("h2ogpte_query", fault=how, times=1)
        with pytest.raises(ConnectionError, match="so it was not sent again"):
            client.query("a session", "hello")
        assert client.query("a session", "again").content == "You asked: again"
        assert [each.kind for each in e.front.arrivals].count("h2ogpte_query") == 2

    def test_fails_a_query_of_an_old_socket_as_well(self, e: Emulator, client: SharedClient) -> None:
        client.query("a session", "hello")
        e.fail("h2ogpte_query", fault="reset", times=1)
        with pytest.raises(ConnectionError, match="so it was not sent again"):
            client.query("a session", "hello")

    def test_a_query_without_an_answer_ends_in_time(self, e: Emulator, provider: TokenProvider) -> None:
        e.fail("h2ogpte_query", fault="hang")
        with SharedClient(e.h2ogpte_url, provider, verify=e.ca_file, timeout=0.4) as client:
            with pytest.raises(TimeoutError, match=r"within 0\.4 s"):
                client.query("a session", "hello")
            with pytest.raises(TimeoutError, match=r"within 0\.2 s"):
                client.query("another session", "hello", timeout=0.2)
            e.heal("h2ogpte_query")
            assert client.query("a third", "hello", timeout=20).content == "You asked: hello"

    def test_a_server_that_is_not_there(self, e: Emulator, client: SharedClient) -> None:
        fault = e.fail("h2ogpte", fault="refuse")
        with pytest.raises(ConnectionError, match=f"{e.h2ogpte_url} cannot be reached"):
            client.query("a session", "hello", retries=0)
        e.heal("h2ogpte")
        assert client.query("a session", "hello").content == "You asked: hello"
        del fault

    def test_a_gateway_that_is_busy_is_asked_again(self, e: Emulator, client: SharedClient) -> None:
        e.fail("h2ogpte_ws", status=503, times=2)
        assert client.query("a session", "hello").content == "You asked: hello"
        e.fail("h2ogpte_ws", status=404)
        with pytest.raises(ConnectionError, match="404"):
            client.query("another session", "hello")
        assert len(upgrades(e)) == 4

    def test_no_redirect_is_followed(self, e: Emulator, client: SharedClient) -> None:
        with Emulator() as elsewhere:
            target = elsewhere.h2ogpte_url.replace("https", "wss") + "/ws"
            e.fail("h2ogpte_ws", status=302, headers={"Location": target})
            with pytest.raises(ConnectionError):
                client.query("a session", "hello", retries=0)
            assert elsewhere.front.arrivals == []


class TestWhomItTrusts:
    def test_not_a_server_with_another_certificate(self, e: Emulator, provider: TokenProvider) -> None:
        with SharedClient(e.h2ogpte_url, provider) as client, pytest.raises(ssl.SSLCertVerificationError):
            client.query("a session", "hello", timeout=20)
        assert upgrades(e) == []

    def test_what_verify_says(self, e: Emulator, provider: TokenProvider) -> None:
        for verify in (False, ssl.create_default_context(cafile=e.ca_file)):
            with SharedClient(e.h2ogpte_url, provider, verify=verify, timeout=20) as client:
                assert client.query("a session", "hello").content == "You asked: hello"

    @pytest.mark.parametrize("verify", [None, "", 7])
    def test_what_is_no_verify(self, e: Emulator, provider: TokenProvider, verify: Any) -> None:
        with pytest.raises(ConfigurationError, match="verify"):
            SharedClient(e.h2ogpte_url, provider, verify=verify)

    @pytest.mark.parametrize("address", ["http://h2ogpte.example.com", "https://user:pass@localhost", "localhost"])
    def test_no_address_where_a_token_may_not_go(self, provider: TokenProvider, address: str) -> None:
        with pytest.raises(ConfigurationError, match="address cannot be used"):
            SharedClient(address, provider)

    def test_two_identities_and_two_servers_in_one_process(self, e: Emulator, provider: TokenProvider) -> None:
        with Emulator() as other:
            stranger = ClientSecret(
                other.tenant_id, other.client_id, other.client_secret, authority=other.authority, verify=other.ca_file
            )
            second = e.register_application("another")
            credential = ClientSecret(
                e.tenant_id, second.client_id, second.client_secret, authority=e.authority, verify=e.ca_file
            )
            with (
                SharedClient(e.h2ogpte_url, provider, verify=e.ca_file, timeout=20) as one,
                SharedClient(e.h2ogpte_url, credential, scope=e.h2ogpte_scope, verify=e.ca_file, timeout=20) as two,
                SharedClient(
                    other.h2ogpte_url, stranger, scope=other.h2ogpte_scope, verify=other.ca_file, timeout=20
                ) as three,
            ):
                for client in (one, two, three, one, two, three):
                    assert client.query("the same session", "hello").content == "You asked: hello"
                two.close_session("the same session")
                assert one.query("the same session", "hello").content == "You asked: hello"
                two.close()
                assert three.query("the same session", "hello").content == "You asked: hello"
            assert len(upgrades(other)) == 1
        assert len(upgrades(e)) == 2
        assert len(set(tokens(e))) == 2
        assert len({each.session_id for each in upgrades(e)}) == 2


class TestClosing:
    def test_fails_what_is_under_way(self, e: Emulator, client: SharedClient) -> None:
        with ThreadPoolExecutor(2) as pool, e.hold("h2ogpte_query", arrivals=2) as gate:
            asked = [pool.submit(client.query, session_id, "hello") for session_id in ("one", "two")]
            assert gate.arrived.wait(10)
            client.close_session("one")
            with pytest.raises(ConnectionError, match="closed under the question"):
                asked[0].result(10)
            client.close()
            with pytest.raises(ConnectionError, match="closed under the question"):
                asked[1].result(10)
        with pytest.raises(ConfigurationError, match="This SharedClient is closed"):
            client.query("one", "hello")
        client.close()
        client.close_session("one")

    def test_fails_what_is_connecting(self, e: Emulator, client: SharedClient) -> None:
        with ThreadPoolExecutor(1) as pool, e.hold("h2ogpte_ws") as gate:
            asked = pool.submit(client.query, "a session", "hello")
            assert gate.arrived.wait(10)
            client.close()
            with pytest.raises(ConnectionError, match="closed under the question"):
                asked.result(10)
            # Though the server does not say goodbye, what was being opened is closed and its thread ends.
            until(lambda: "entra-tokens-chats" not in {thread.name for thread in threading.enumerate()})
        gc.collect()

    def test_a_client_that_nobody_holds_leaves_nothing_behind(self, e: Emulator, provider: TokenProvider) -> None:
        client = SharedClient(e.h2ogpte_url, provider, verify=e.ca_file, timeout=20)
        client.query("a session", "hello")
        assert "entra-tokens-chats" in {thread.name for thread in threading.enumerate()}
        del client
        until(lambda: "entra-tokens-chats" not in {thread.name for thread in threading.enumerate()})
        until(lambda: not len(e.front.sockets))


SCRIPT = """
import os, sys, warnings
warnings.simplefilter("error", UserWarning)
filters = list(warnings.filters)
from entra_tokens import StaticToken, TokenProvider
from entra_tokens.h2ogpte import SharedClient
address, ca_file, token, scope = sys.argv[1:]
client = SharedClient(address, TokenProvider(StaticToken(token), scope), verify=ca_file, timeout=20)
print(client.query("a session", "hello").content, flush=True)
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        print(client.query("a session", "of the child").content, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(client.query("a session", "of the parent").content)
print(warnings.filters == filters, "h2ogpte.shared_client" in sys.modules)
"""  # and no close()


@pytest.mark.timeout(120)  # it imports h2ogpte in a process of its own: some seconds, and far more on a busy machine
def test_a_script_that_forgets_to_close_ends_all_the_same(e: Emulator, provider: TokenProvider) -> None:
    arguments = [e.h2ogpte_url, e.ca_file, str(provider.token()), e.h2ogpte_scope]
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.stderr == ""
    asked = ["You asked: hello", "You asked: of the child", "You asked: of the parent"]
    assert ended.stdout.splitlines() == [*asked, "True False"]
    assert ended.returncode == 0


def test_without_the_package(without_h2ogpte: Callable[[Any], None], provider: TokenProvider) -> None:
    without_h2ogpte(None)
    for face in (SharedClient, AsyncSharedClient):
        with pytest.raises(ConfigurationError, match=r'not installed: pip install "entra-tokens\[h2ogpte\]"'):
            face("https://h2ogpte.example.com", provider)


def test_the_warning_filters_stay(e: Emulator, client: SharedClient) -> None:
    before = list(warnings.filters)
    client.query("a session", "hello")
    assert warnings.filters == before
