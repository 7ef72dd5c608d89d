"""httpx, httpx2, requests and aiohttp, sync and async: one suite over all of them, on real sockets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from entra_tokens import ConfigurationError
from entra_tokens.integrations.httpx import EntraAuth
from entra_tokens.testing import ScriptedCredential

from .clients import ALL, ASYNC, Client
from .service import CLAIMS, Service, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens import TokenProvider
    from entra_tokens.testing import ManualClock


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Service, Service]]:
    with service() as one, service() as other:
        yield one, other


@pytest.fixture
def here(servers: tuple[Service, Service]) -> Service:
    return _clean(servers[0])


@pytest.fixture
def elsewhere(servers: tuple[Service, Service]) -> Service:
    return _clean(servers[1])


def _clean(server: Service) -> Service:
    server.seen.clear()
    server.refused.clear()
    server.challenge, server.location = "Bearer", ""
    return server


@pytest.fixture
def connect(provider: TokenProvider) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def connect(kind: type[Client], **options: Any) -> Client:
        made.append(kind(provider, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.mark.parametrize("kind", ALL)
def test_each_request_carries_the_current_token(
    kind: type[Client], connect: Callable[..., Client], here: Service, clock: ManualClock
) -> None:
    client = connect(kind)
    assert client.send("GET", f"{here.url}/a") == client.send("POST", f"{here.url}/b", b"body") == 200
    clock.advance(3600)
    assert client.send("GET", here.url) == 200
    assert here.tokens == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("kind", ALL)
def test_a_refused_request_is_sent_once_more_and_a_second_refusal_is_the_callers(
    kind: type[Client], connect: Callable[..., Client], here: Service, credential: ScriptedCredential
) -> None:
    client = connect(kind)
    here.refused = {"token-1"}
    assert client.send("POST", here.url, b"body") == 200
    assert [(each.token, each.body) for each in here.seen] == [("token-1", b"body"), ("token-2", b"body")]
    here.refused = {"token-2"}
    assert client.send("GET", here.url) == 401  # at most one forced renewal a minute: the same token is not sent again
    assert here.tokens == ["token-1", "token-2", "token-2"]
    assert credential.calls == 2


@pytest.mark.parametrize("kind", ALL)
def test_when_the_renewed_token_is_refused_too_that_is_all(
    kind: type[Client], connect: Callable[..., Client], here: Service, credential: ScriptedCredential
) -> None:
    here.refused = {"token-1", "token-2"}
    assert connect(kind).send("GET", here.url) == 401
    assert here.tokens == ["token-1", "token-2"]
    assert credential.calls == 2


@pytest.mark.parametrize("kind", ALL)
def test_a_burst_of_refusals_costs_one_renewal(
    kind: type[Client], connect: Callable[..., Client], here: Service, credential: ScriptedCredential
) -> None:
    client = connect(kind)
    here.refused, here.together = {"token-1"}, threading.Barrier(16)
    assert client.burst("GET", f"{here.url}/together", 16) == [200] * 16
    assert sorted(map(str, here.tokens)) == ["token-1"] * 16 + ["token-2"] * 16
    assert credential.calls == 2


def test_a_late_refusal_of_an_old_token_costs_nothing(
    connect: Callable[..., Client], here: Service, credential: ScriptedCredential, clock: ManualClock
) -> None:
    client = connect(ALL[0].values[0])
    here.refused, here.together = {"token-1"}, threading.Barrier(2)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.send, "GET", f"{here.url}/together")
        while not here.together.n_waiting:
            threading.Event().wait(0.005)
        clock.advance(3600)
        assert client.send("GET", here.url) == 200
        here.together.wait(30)
        assert late.result() == 200
    assert here.tokens == ["token-1", "token-2", "token-2"]
    assert credential.calls == 2


@pytest.mark.parametrize("kind", ALL)
def test_a_claims_challenge_goes_to_the_authority(
    kind: type[Client], connect: Callable[..., Client], here: Service, credential: ScriptedCredential
) -> None:
    here.refused = {"token-1"}
    here.ask_for_claims()
    assert connect(kind).send("GET", here.url) == 200
    assert here.tokens == ["token-1", "token-2"]
    assert [request.claims for request in credential.requests] == [None, CLAIMS]


@pytest.mark.parametrize("kind", ALL)
def test_no_token_crosses_to_another_host_in_a_redirect(
    kind: type[Client],
    connect: Callable[..., Client],
    here: Service,
    elsewhere: Service,
    credential: ScriptedCredential,
) -> None:
    here.location, elsewhere.refused = f"{elsewhere.url}/", {None}
    assert connect(kind).send("GET", f"{here.url}/to/307") == 401
    assert here.tokens == ["token-1"]
    assert elsewhere.tokens == [None]  # and a refusal there is no refusal of the token
    assert credential.calls == 1


@pytest.mark.parametrize("kind", ALL)
def test_a_token_is_for_the_first_host_or_for_those_named(
    kind: type[Client], connect: Callable[..., Client], here: Service, elsewhere: Service
) -> None:
    first = connect(kind)
    assert first.send("GET", here.url) == first.send("GET", elsewhere.url) == first.send("GET", here.url) == 200
    named = connect(kind, host=elsewhere.url)
    assert named.send("GET", here.url) == named.send("GET", elsewhere.url) == 200
    both = connect(kind, host=[f"localhost:{elsewhere.server_port}", here.url])
    assert both.send("GET", elsewhere.url) == 200
    assert here.tokens == ["token-1", "token-1", None]
    assert elsewhere.tokens == [None, "token-1", None]  # a bare name means https


@pytest.mark.parametrize("kind", ALL)
def test_no_token_goes_in_clear_text_to_another_machine(
    kind: type[Client], connect: Callable[..., Client], credential: ScriptedCredential
) -> None:
    with pytest.raises(ConfigurationError, match=r"No token is sent to http://api\.example\.com: it must be https"):
        connect(kind).send("GET", "http://api.example.com/")
    with pytest.raises(ConfigurationError, match="it must be https"):
        connect(kind, host="api.example.com").send("GET", "http://api.example.com/")
    assert credential.calls == 0


@pytest.mark.parametrize("kind", ALL)
def test_a_body_that_can_be_read_once_is_not_sent_again(
    kind: type[Client], connect: Callable[..., Client], here: Service
) -> None:
    client = connect(kind)
    here.refused = {"token-1"}
    assert client.send("POST", here.url, client.stream([b"once ", b"only"])) == 401
    assert client.send("GET", here.url) == 200
    assert [(each.token, each.body) for each in here.seen] == [("token-1", b"once only"), ("token-2", b"")]


@pytest.mark.parametrize("kind", ALL)
def test_what_a_redirect_says_was_done_is_not_done_twice(
    kind: type[Client], connect: Callable[..., Client], here: Service
) -> None:
    here.location, here.refused = "/result", {"token-1"}
    connect(kind).send("POST", f"{here.url}/to/303", b"order")
    assert [each.method for each in here.seen].count("POST") == 1


@pytest.mark.parametrize("kind", ASYNC)
def test_the_loop_goes_on_while_a_token_is_fetched(
    kind: type[Any], connect: Callable[..., Any], here: Service, credential: ScriptedCredential
) -> None:
    client = connect(kind)
    credential.hold()
    assert client.ticks_while_sending(here.url, credential.release) >= 20


def test_httpx_on_trio(provider: TokenProvider, here: Service) -> None:
    here.refused = {"token-1"}

    async def send() -> int:
        async with httpx.AsyncClient(auth=EntraAuth(provider.as_async()), trust_env=False) as client:
            return (await client.get(here.url)).status_code

    assert trio.run(send) == 200
    assert here.tokens == ["token-1", "token-2"]


def test_an_answer_that_comes_before_the_body_is_sent(connect: Callable[..., Client], here: Service) -> None:
    """aiohttp sends a body while it already reads the answer."""
    here.refused = {"token-1"}
    body = b"x" * (8 << 20)
    assert connect(ALL[-1].values[0]).send("PUT", f"{here.url}/early", BytesIO(body)) == 200
    assert [(each.token, len(each.body)) for each in here.seen] == [("token-1", 0), ("token-2", len(body))]


def test_what_cannot_be_right_is_said(provider: TokenProvider) -> None:
    for host in ("http://api.example.com", "", "user:secret@api.example.com", "a b", [], 7):
        with pytest.raises(ConfigurationError) as raised:
            EntraAuth(provider, host=host)  # type: ignore[arg-type]
        assert "secret" not in str(raised.value)
    with pytest.raises(ConfigurationError, match="Wrap a credential first"):
        EntraAuth(ScriptedCredential())  # type: ignore[arg-type]
    assert "token-1" not in repr(EntraAuth(provider, host="API.Example.com.:443"))
    assert "https://api.example.com" in repr(EntraAuth(provider, host="API.Example.com.:443"))
