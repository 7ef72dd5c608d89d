"""The front's switches: what servers do differently, or what is not known of them."""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from h2ogpte.errors import UnauthorizedError
from h2ogpte.types import SessionError
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from h2ogpte import H2OGPTE, H2OGPTEAsync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator

    from .conftest import Caller

pytestmark = [
    pytest.mark.usefixtures("trusting"),
    pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated"),  # what h2ogpte itself does with httpx
]
TARGETS = ["h2ogpte_rpc", "h2ogpte_rest", "h2ogpte_stream", "h2ogpte_ws"]
PATHS = {"h2ogpte_rpc": "/rpc/meta", "h2ogpte_rest": "/api/v1/chats/count", "h2ogpte_stream": "/rpc/stream"}


class Rotating:
    """A provider that gives out one token after another, and stays with the last."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def token(self) -> str:
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]


@pytest.fixture
def gpte(e: Emulator, caller: Caller) -> H2OGPTE:
    return H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, token_provider=Rotating(caller.access_token()))


def upgraded(e: Emulator, token: str, session_id: str = "mine", **options: Any) -> ClientConnection:
    return connect(
        e.h2ogpte_url.replace("https", "wss") + "/ws",
        additional_headers={"Authorization": f"Bearer-AD {token}", "Session-Id": session_id},
        ssl_context=ssl.create_default_context(cafile=e.ca_file),
        **{"open_timeout": 10, "close_timeout": 10, **options},
    )


@pytest.fixture
def socket(e: Emulator, caller: Caller) -> Iterator[ClientConnection]:
    with upgraded(e, caller.access_token()) as made:
        yield made


def ask(socket: ClientConnection, question: str = "one") -> str:
    socket.send(json.dumps({"t": "cq", "session_id": "s", "correlation_id": "c", "body": question}))
    while (answer := json.loads(socket.recv(10)))["t"] not in ("ca", "ce"):
        pass
    return str(answer["body"] or answer["error"])


def closed(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(10)
    received = caught.value.rcvd
    return (received.code, received.reason) if received else (0, "")


class TestSockets:
    def test_one_is_closed_when_its_token_expires(self, e: Emulator, socket: ClientConnection) -> None:
        e.front.close_expired_sockets = True
        e.advance(3000)
        assert ask(socket) == "You asked: one"
        e.advance(600)
        assert closed(socket) == (1008, "the token has expired")

    def test_one_is_closed_without_a_hand_on_the_clock(self, e: Emulator, caller: Caller) -> None:
        e.front.close_expired_sockets = True
        for lifetime in (0.3, 2, 5):
            e.lifetime = lifetime
            try:
                made = upgraded(e, caller.access_token())
            except InvalidStatus:  # on a busy machine its token had expired by then
                continue
            with made:
                assert closed(made) == (1008, "the token has expired")
            return
        raise AssertionError("no upgrade within five seconds")

    def test_one_stays_open_otherwise(self, e: Emulator, socket: ClientConnection) -> None:
        e.advance(4000)
        assert ask(socket) == "You asked: one"
        assert (e.front.verified, e.front.arrivals[-1].status) == (1, 200)

    def test_closed_after_some_answers(self, e: Emulator, socket: ClientConnection) -> None:
        e.front.socket_answers = 2
        assert [ask(socket), ask(socket)] == ["You asked: one"] * 2
        assert closed(socket)[0] == 1001

    def test_all_are_closed(self, e: Emulator, socket: ClientConnection) -> None:
        assert ask(socket)
        assert len(e.front.sockets) == 1
        e.front.sockets.close()
        assert closed(socket)[0] == 1001

    def test_a_query_is_left_without_an_answer(self, e: Emulator, socket: ClientConnection) -> None:
        with ThreadPoolExecutor() as pool, e.hold("h2ogpte_query") as gate:
            asking = pool.submit(ask, socket)
            assert gate.arrived.wait(30)
            assert not asking.done()
            e.front.sockets.close(1008, "no more")
            with pytest.raises(ConnectionClosedError):
                asking.result(30)

    @pytest.mark.parametrize(("kind", "code"), [("reset", 0), ("close", 1001)])
    def test_a_socket_that_goes_under_a_query(
        self, e: Emulator, socket: ClientConnection, kind: str, code: int
    ) -> None:
        e.fail("h2ogpte_query", status=500, client_id="somebody else")
        assert ask(socket) == "You asked: one"
        e.fail("h2ogpte_query", fault=kind, times=1, client_id=e.client_id)
        socket.send(json.dumps({"t": "cq", "body": "one"}))
        assert closed(socket)[0] == code
        assert e.front.arrivals[-1].fault == kind

    def test_an_error_for_one_query(self, e: Emulator, gpte: H2OGPTE) -> None:
        with gpte.connect(gpte.create_chat_session()) as session:
            e.fail("h2ogpte_query", body="out of words", times=1)
            with pytest.raises(SessionError, match="out of words"):
                session.query("one", timeout=10, retries=0)
            assert session.query("two", timeout=10)


class TestRefusals:
    @pytest.mark.parametrize("target", TARGETS)
    def test_each_form_of_each_kind(self, e: Emulator, caller: Caller, target: str) -> None:
        token = caller.access_token()
        for body, keeps_open in itertools.product(("json", "html", "empty"), (False, True)):
            e.front.switch(refusal_body=body, refusal_keeps_open=keeps_open)
            e.fail(target, status=401, times=1)
            e.clear()
            if target == "h2ogpte_ws":
                with pytest.raises(InvalidStatus) as caught:
                    upgraded(e, token, close_timeout=0.1 if keeps_open else 10)
                answer = caught.value.response
                status, text, headers = answer.status_code, (answer.body or b"").decode(), answer.headers
                with upgraded(e, token) as made:
                    assert ask(made)
            else:
                method = "POST" if target == "h2ogpte_stream" else "GET"
                first, second = (self.call(e, caller, method, PATHS[target], token) for _ in range(2))
                status, text, headers = first.status_code, first.text, first.headers
                assert second.status_code == 200
            assert (status, text[:1]) == (401, {"json": "{", "html": "<", "empty": ""}[body])
            assert headers["connection"] == ("keep-alive" if keeps_open else "close")
            refused, passed = (record for record in e.front.arrivals if record.kind == target)
            assert (refused.fault, refused.status, passed.fault) == ("status 401", 401, "")
            assert refused.token_digest == passed.token_digest
            if target != "h2ogpte_ws":
                assert (refused.connection == passed.connection) is keeps_open

    @staticmethod
    def call(e: Emulator, caller: Caller, method: str, path: str, token: str) -> httpx.Response:
        return caller.http.request(method, e.h2ogpte_url + path, headers={"Authorization": f"Bearer-AD {token}"})

    def test_the_fronts_own_refusal_leaves_an_upgrade_open(self, e: Emulator) -> None:
        e.front.refusal_keeps_open = True
        with pytest.raises(InvalidStatus) as caught:
            upgraded(e, "no token", close_timeout=0.1)
        assert caught.value.response.headers["connection"] == "keep-alive"
        (record,) = e.front.records
        assert (record.status, record.verified) == (401, False)

    def test_a_fault_says_it_for_itself(self, e: Emulator, caller: Caller) -> None:
        e.fail("h2ogpte_rest", status=401, times=1, headers={"Connection": "keep-alive"}, body={"detail": "no"})
        answer = self.call(e, caller, "GET", PATHS["h2ogpte_rest"], caller.access_token())
        assert (answer.json(), answer.headers["connection"]) == ({"detail": "no"}, "keep-alive")

    def test_a_connection_that_is_closed_without_an_answer(self, e: Emulator, caller: Caller) -> None:
        e.fail("h2ogpte_rest", fault="close", times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            self.call(e, caller, "GET", PATHS["h2ogpte_rest"], caller.access_token())

    def test_a_share_of_them(self, e: Emulator, gpte: H2OGPTE) -> None:
        e.fail("h2ogpte_rest", status=401, share=0.5)
        outcomes = []
        for _ in range(4):
            try:
                outcomes.append(gpte.count_collections())
            except UnauthorizedError:
                outcomes.append(401)
        assert outcomes == [1, 401, 1, 401]

    def test_there_is_no_such_switch(self, e: Emulator) -> None:
        for switches in ({"moon": 1}, {"refusal_body": "yaml"}, {"session_ids": "mine"}, {"jobs": None}):
            with pytest.raises(ValueError, match=r"no switches|is one of"):
                e.front.switch(**switches)


class TestSessionIds:
    def test_tied_to_the_token(self, e: Emulator, caller: Caller, gpte: H2OGPTE) -> None:
        e.front.session_ids = "token"
        assert gpte.count_collections() == 1
        gpte._token_provider.tokens = [caller.access_token()]
        with pytest.raises(UnauthorizedError):
            gpte.count_collections()
        assert e.front.records[-1].reason == "the Session-Id belongs to another token"

    def test_tied_to_the_identity(self, e: Emulator, caller: Caller, gpte: H2OGPTE) -> None:
        e.front.session_ids = "identity"
        assert gpte.count_collections() == 1
        gpte._token_provider.tokens = [caller.access_token()]
        assert gpte.count_collections() == 1
        other = e.register_application()
        form = {"client_id": other.client_id, "client_secret": other.client_secret}
        gpte._token_provider.tokens = [caller.token(**form).json()["access_token"]]
        with pytest.raises(UnauthorizedError):
            gpte.count_collections()

    def test_an_upgrade_without_one(self, e: Emulator, caller: Caller) -> None:
        token = caller.access_token()
        with pytest.raises(InvalidStatus):
            upgraded(e, token, "")
        e.front.sockets_need_session_id = False
        with upgraded(e, token, "") as made:
            assert ask(made)


class TestTheClientsRequests:
    @pytest.mark.parametrize(
        "answer", [{"fault": "html"}, {"status": 302, "headers": {"Location": "/login"}}, {"status": 404}]
    )
    @pytest.mark.filterwarnings("ignore:h2oGPTe server does not expose:DeprecationWarning")
    def test_a_server_without_cookie_sessions(self, e: Emulator, caller: Caller, answer: dict[str, Any]) -> None:
        fault = e.fail("h2ogpte_session", **answer)
        token = caller.access_token()
        gpte = H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, token_provider=Rotating(token))
        assert gpte.count_collections() == 1
        assert fault.met == 1
        assert [record.path for record in e.front.arrivals] == ["/rpc/meta", "/api/v1/collections/count"]

    def test_a_job_outlives_its_token(self, e: Emulator, caller: Caller) -> None:
        """What the plain client does: the summary is asked for with the header that the method began with."""
        old, new = caller.access_token(), caller.access_token()
        # The constructor and the method's own header take the old one, the polls the new one.
        gpte = H2OGPTE(address=e.h2ogpte_url, verify=e.ca_file, token_provider=Rotating(old, old, new))
        e.front.jobs.polls = None
        with ThreadPoolExecutor() as pool:
            processing = pool.submit(gpte.process_document, "a document")
            assert e.front.jobs.wait_for_polls()
            e.front.revoke(old)
            e.front.jobs.finish()
            with pytest.raises(UnauthorizedError):
                processing.result(20)
        assert e.front.records[-1].path.startswith("/api/v1/document_summaries/")

    def test_jobs_uploads_and_streams(self, e: Emulator, gpte: H2OGPTE) -> None:
        e.front.jobs.polls = 0
        uploaded = gpte.upload("a.txt", io.BytesIO(b"text"))
        assert gpte.ingest_uploads("a collection", [uploaded]).completed
        assert gpte.delete_upload(uploaded) == uploaded
        summary = gpte.process_document("d", keep_intermediate_results=True)
        assert summary.content == ["A summary of d"]
        assert [job["kind"] for job in e.front.jobs.all()] == ["IngestUploadsJob", "DocumentProcessJob"]
        assert gpte.answer_question("Why?", llm="any").content == "You asked: Why?"
        assert [json.loads(line)["part"] for line in gpte._post_stream("/rpc/stream", "{}").iter_lines()] == [0, 1, 2]
        assert {record.kind for record in e.front.records} == {"h2ogpte_rpc", "h2ogpte_rest", "h2ogpte_stream"}
        assert e.front.refused == 0

    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # the client's aiohttp, as in test_h2ogpte_front
    def test_the_asynchronous_client(self, e: Emulator, caller: Caller) -> None:
        e.front.jobs.polls = 1

        async def use() -> str:
            gpte = H2OGPTEAsync(address=e.h2ogpte_url, verify=e.ca_file, azure_token=caller.access_token())
            async with gpte:
                uploaded = await gpte.upload("a.txt", io.BytesIO(b"text"))
                assert (await gpte.ingest_uploads("a collection", [uploaded])).completed
                return str((await gpte.process_document("d")).content)

        assert asyncio.run(use()) == "A summary of d"
        gc.collect()  # while what it left may warn
