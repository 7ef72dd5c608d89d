"""The 401 rule: exactly the refused token is renewed, and exactly the refused request is sent once more."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from h2ogpte.errors import UnauthorizedError

from entra_tokens import RefreshPolicy, TokenProvider
from entra_tokens.h2ogpte import connect, connect_async
from entra_tokens.h2ogpte.renewal import Renewal
from entra_tokens.h2ogpte.rest import Rest
from h2ogpte import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from entra_tokens import ClientSecret
    from entra_tokens.emulator import Emulator
    from entra_tokens.emulator.front_ledger import FrontRecord

# The client hands its verify= on to httpx, which would rather have an SSLContext.
pytestmark = pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated:DeprecationWarning")

FORBIDDEN = getattr(errors, "ForbiddenError", errors.HTTPError)  # since 1.7.0
SCHEMES = ["Bearer-Token", "Bearer-AD"]
FORMS = list(itertools.product(["json", "html", "empty"], [False, True]))  # the body, and whether it keeps open


@pytest.fixture
def provider(e: Emulator, credential: ClientSecret) -> TokenProvider:
    # Each 401 of a test may be followed by a renewal, not one a minute.
    return TokenProvider(credential, e.h2ogpte_scope, policy=RefreshPolicy(forced_renewal_every=0))


def sync_calls(client: Any) -> dict[str, Callable[[], Any]]:
    """One call of each kind, each of which is one request."""

    def chat() -> str:
        with client.connect("a session") as session:
            return str(session.query("hello", timeout=10).content)

    def stream() -> str:
        with client._post_stream("/rpc/stream", json.dumps({"a": 1})) as answer:
            return str(answer.text)

    return {
        "rpc GET": client.get_meta,
        "rpc POST": lambda: client._lang("something"),
        "rpc DELETE": lambda: client.delete_upload("no such"),
        "REST GET": client.count_collections,
        "REST POST": lambda: client.create_collection("a name", "a description"),
        "upload": lambda: client.upload("a.txt", io.BytesIO(b"content")),
        "stream": stream,
        "chat": chat,
    }


def async_calls(client: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
    async def chat() -> str:
        async with client.connect("a session") as session:
            return str((await session.query("hello", timeout=10)).content)

    return {
        "rpc GET": client.get_meta,
        "rpc POST": lambda: client._post("/rpc/lang", {"method": "something"}),
        "rpc DELETE": lambda: client.delete_upload("no such"),
        "REST GET": client.count_collections,
        "REST POST": lambda: client.create_collection("a name", "a description"),
        "upload": lambda: client.upload("a.txt", io.BytesIO(b"content")),
        "chat": chat,
    }


class Checked:
    """What one call does to a front that has revoked the token it comes with."""

    def __init__(self, e: Emulator, body: str, keeps_open: bool) -> None:
        e.front.switch(refusal_body=body, refusal_keeps_open=keeps_open)
        e.front.revoke_seen()
        self.e = e
        self.seen, self.renewed = len(e.front.arrivals), len(e.token_requests)

    def records(self) -> list[FrontRecord]:
        return [each for each in self.e.front.arrivals[self.seen :] if each.method != "QUERY"]

    def healed(self, what: str) -> None:
        records = self.records()
        assert [each.status for each in records] in ([401, 200], [401, 201], [401, 101]), what
        assert records[0].path == records[1].path
        assert records[0].method == records[1].method
        assert records[0].token_digest != records[1].token_digest
        assert len(self.e.token_requests) == self.renewed + 1

    def refused(self, what: str) -> None:
        records = self.records()
        assert [each.status for each in records] == [401, 401], what
        assert records[0].token_digest != records[1].token_digest


@pytest.mark.parametrize("scheme", SCHEMES)
class TestEveryKindOfCall:
    def test_sync(self, e: Emulator, provider: TokenProvider, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        for what, call in sync_calls(client).items():
            for form in FORMS:
                expected = Checked(e, *form)
                assert call()
                expected.healed(f"{what} {form}")
        e.front.schemes = frozenset()
        for what, call in sync_calls(client).items():
            for form in FORMS:
                expected = Checked(e, *form)
                with pytest.raises(Exception, match=r"401|Unauthorized") as raised:
                    call()
                if what != "stream":  # that one lets requests judge the status
                    assert type(raised.value) is UnauthorizedError
                expected.refused(f"{what} {form}")

    def test_async(self, e: Emulator, provider: TokenProvider, scheme: Any, closing: Callable[[Any], Any]) -> None:
        async def main() -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)) as client:
                await client.count_collections()  # after which it knows the server's version
                for what, call in async_calls(client).items():
                    for form in FORMS:
                        expected = Checked(e, *form)
                        assert await call()
                        expected.healed(f"{what} {form}")
                e.front.schemes = frozenset()
                for what, call in async_calls(client).items():
                    for form in FORMS:
                        expected = Checked(e, *form)
                        with pytest.raises(UnauthorizedError):
                            await call()
                        expected.refused(f"{what} {form}")

        asyncio.run(main())


class OnlyOnce(io.RawIOBase):
    """A file that can be read and cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._rest.readinto(buffer)


class Noted(io.BytesIO):
    """A file that notes what is read from it, in pieces that begin with a seek."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads: list[bytes] = []

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        if content:
            self.reads.append(content)
        return content


class TestUploads:
    def test_a_file_is_set_back(self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]) -> None:
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        file = Noted(b"head, then what is sent")
        file.seek(len(b"head, then "))
        e.front.revoke_seen()
        client.upload("a.bin", file)
        assert file.reads == [b"what is sent"] * 2

        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
            async with closing(made) as aclient:
                await aclient.get_meta()
                e.front.revoke_seen()
                another = Noted(b"content")
                await aclient.upload("a.bin", another)
                assert another.reads == [b"content"] * 2

        asyncio.run(main())

    def test_what_cannot_go_back_is_not_sent_again(
        self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]
    ) -> None:
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-Token", verify=e.ca_file)
        e.front.revoke_seen()
        before = len(e.front.arrivals)
        with pytest.raises(UnauthorizedError, match=r"was not sent again: .* Call upload\(\) again"):
            client.upload("a.bin", OnlyOnce(b"content"))
        assert [each.status for each in e.front.arrivals[before:]] == [401]
        client.upload("a.bin", OnlyOnce(b"content"))  # with the renewed token
        assert [each.status for each in e.front.arrivals[before:]] == [401, 200]

        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider, scheme="Bearer-Token", verify=e.ca_file)
            async with closing(made) as aclient:
                await aclient.get_meta()
                e.front.revoke_seen()
                before = len(e.front.arrivals)
                with pytest.raises(UnauthorizedError, match="was not sent again"):
                    await aclient.upload("a.bin", OnlyOnce(b"content"))
                assert [each.status for each in e.front.arrivals[before:]] == [401]

        asyncio.run(main())


class TestBursts:
    def test_many_on_one_token_cost_one_renewal(self, e: Emulator, credential: ClientSecret) -> None:
        provider = TokenProvider(credential, e.h2ogpte_scope)
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        calls = [client.get_meta, client.count_collections, lambda: client.connect("a session").connect()] * 4
        start = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            start.wait(30)
            return call()

        e.front.revoke_seen()
        with ThreadPoolExecutor(len(calls)) as pool:
            answers = list(pool.map(one, calls))
        for socket in answers[2::3]:
            socket.close()
        assert all(answers)
        assert len(e.token_requests) == 2
        assert len({each.token_digest for each in e.front.records if each.status == 401}) == 1

    def test_in_one_loop(self, e: Emulator, credential: ClientSecret, closing: Callable[[Any], Any]) -> None:
        provider = TokenProvider(credential, e.h2ogpte_scope)

        async def main() -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, verify=e.ca_file)) as client:
                await client.count_collections()
                e.front.revoke_seen()
                await asyncio.gather(
                    *(client.get_meta() for _ in range(8)), *(client.count_collections() for _ in "12")
                )

        asyncio.run(main())
        assert len(e.token_requests) == 2

    def test_a_late_one_leaves_the_next_token_alone(self, e: Emulator, provider: TokenProvider) -> None:
        renewal = Renewal(provider, "Bearer-AD")
        old = {"Authorization": f"Bearer-AD {provider.token()}"}
        assert renewal.refused(old)
        renewed = provider.token()
        assert renewal.refused(old)
        assert provider.token() is renewed
        assert len(e.token_requests) == 2
        assert not renewal.refused({"Authorization": "Bearer somebody else's"})

    def test_a_server_that_refuses_everything_costs_one_renewal_a_minute(
        self, e: Emulator, credential: ClientSecret
    ) -> None:
        client = connect(
            e.h2ogpte_url, TokenProvider(credential, e.h2ogpte_scope), scheme="Bearer-AD", verify=e.ca_file
        )
        e.front.schemes = frozenset()
        for _ in range(3):
            with pytest.raises(UnauthorizedError):
                client.count_collections()
        assert e.front.refused == 6
        assert len(e.token_requests) == 2


class TestWhoseTokenItIs:
    def test_403_is_no_401(self, e: Emulator, provider: TokenProvider) -> None:
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        for call in sync_calls(client).values():
            fault = e.fail("h2ogpte", status=403, body={"message": "no", "error": "no"})
            with pytest.raises((UnauthorizedError, FORBIDDEN, errors.HTTPError, requests.HTTPError)):
                call()
            assert fault.met == 1
            e.heal("h2ogpte")
        assert len(e.token_requests) == 1

    def test_the_providers_error_if_there_is_no_other_token(self, e: Emulator, provider: TokenProvider) -> None:
        from entra_tokens import InvalidCredential

        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        held = provider.token()
        e.front.revoke_seen()
        e.fail("token", error="invalid_client")
        with pytest.raises(UnauthorizedError):  # the old token lives, so it is sent once more
            client.count_collections()
        assert provider.token() == held
        e.advance(4000)
        with pytest.raises(InvalidCredential):
            client.count_collections()

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_one_that_has_run_out_is_waited_for_in_a_loop(
        self, e: Emulator, provider: TokenProvider, scheme: Any, closing: Callable[[Any], Any]
    ) -> None:
        async def main() -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)) as client:
                for call in async_calls(client).values():
                    with e.hold("token") as gate:  # so that whoever does not wait meets no token
                        e.advance(4000)
                        calling = asyncio.ensure_future(call())
                        while not gate.arrived.is_set():
                            await asyncio.sleep(0.005)
                        assert not calling.done()
                    assert await calling

        asyncio.run(main())
        assert e.front.refused == 0

    def test_a_session_id_that_the_server_ties_to_its_first_token(
        self, e: Emulator, provider: TokenProvider, closing: Callable[[Any], Any]
    ) -> None:
        e.front.session_ids = "token"
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)

        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
            async with closing(made) as aclient:
                await aclient.count_collections()
                e.advance(4000)
                for call in [*sync_calls(client).values(), *sync_calls(client).values()]:
                    assert call()
                for acall in async_calls(aclient).values():
                    assert await acall()

        asyncio.run(main())
        assert e.front.refused == 2  # once for each client

    def test_no_secret_in_an_errors_frames(self, e: Emulator, provider: TokenProvider) -> None:
        client = connect(e.h2ogpte_url, provider, scheme="Bearer-AD", verify=e.ca_file)
        e.front.schemes = frozenset()
        tokens = [str(provider.token())]
        with pytest.raises(UnauthorizedError) as socket_error:
            client.connect("a session").connect()
        tokens.append(str(provider.token()))

        class Failing:
            def request(self, *args: Any, headers: dict[str, str]) -> None:
                raise ValueError("of the HTTP library")

        carried = {"Authorization": f"Bearer-AD {tokens[1]}"}
        with pytest.raises(ValueError, match="of the HTTP library") as rest_error:
            Rest(Failing(), Renewal(provider, "Bearer-AD")).request("GET", "/", carried)
        traced = [*socket_error.traceback, *rest_error.traceback]
        frames = [entry.frame for entry in traced if "/entra_tokens/" in str(entry.path)]
        assert len(frames) >= 3
        shown = [repr(value) for frame in frames for value in frame.f_locals.values()]
        assert not [text for text in shown for token in tokens if token in text]


class TestLongJobs:
    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_a_job_that_outlives_its_first_token(
        self, e: Emulator, provider: TokenProvider, scheme: Any, closing: Callable[[Any], Any]
    ) -> None:
        """`process_document` takes its header once, waits, and uses the header again."""
        e.front.jobs.polls = None
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)

        def turn() -> None:
            assert e.front.jobs.wait_for_polls()
            e.advance(4000)
            e.front.jobs.finish()

        with ThreadPoolExecutor(1) as pool:
            turned = pool.submit(turn)
            assert client.process_document("a-document").content == "A summary of a-document"
            turned.result()

        async def main() -> None:
            made = await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
            async with closing(made) as aclient:
                before = len(e.front.jobs.all())
                running = asyncio.ensure_future(aclient.process_document("another"))
                while len(e.front.jobs.all()) == before:
                    await asyncio.sleep(0.01)
                e.advance(4000)
                e.front.jobs.finish()
                assert (await running).content == "A summary of another"

        asyncio.run(main())
        # A poll that was under way as the token ended may have been refused; what took the old header was not.
        summaries = [each for each in e.front.records if "summar" in each.path]
        assert [each.status for each in summaries] == [200, 200]
