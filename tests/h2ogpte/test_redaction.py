"""No token in what the libraries log at DEBUG: first the filter by itself, then real sockets."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import requests

from entra_tokens import EntraTokensError, TokenProvider
from entra_tokens.h2ogpte import connect, connect_async
from entra_tokens.h2ogpte.redaction import redact_websocket_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entra_tokens.emulator import Emulator

pytestmark = [
    # The client hands its verify= on to httpx, which would rather have an SSLContext.
    pytest.mark.filterwarnings("ignore:`verify=<str>` is deprecated:DeprecationWarning"),
    # The shared client makes a bare SSLContext().
    pytest.mark.filterwarnings("ignore:ssl.(SSLContext|PROTOCOL_TLS):DeprecationWarning"),
]

TOKEN = "eyJhbGciOi.MARKER-OF-A-TOKEN.sig_nature"


class Kept(logging.Handler):
    """Everything that was logged, formatted as a file would have it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, *(repr(vars(record)) for record in self.records)])


@pytest.fixture
def kept() -> Iterator[Kept]:
    """DEBUG on every logger that there is, into one handler."""
    handler = Kept()
    root = logging.getLogger()
    changed = [(root, root.level)]
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        changed.append((logger, logger.level))
        logger.setLevel(logging.DEBUG)
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for logger, level in changed:
        logger.setLevel(level)


class TestTheFilter:
    @pytest.mark.parametrize("name", ["websockets.client", "websockets.server", "websockets.protocol", "websockets"])
    @pytest.mark.parametrize(
        ("message", "arguments"),
        [
            ("> %s: %s", ("Authorization", f"Bearer-AD {TOKEN}")),
            ("> %s: %s", ("authorization", f"Bearer-Token {TOKEN}")),
            ("> %s: %s", ("AUTHORIZATION", f"Bearer {TOKEN}")),
            ("> %s: %s", ("Authorization", TOKEN)),
            ("> %s: %s", ("Proxy-Authorization", f"Basic {TOKEN}")),
            ("> %s: %s", ("Cookie", f"h2ogpte.session={TOKEN}")),
            ("< %s: %s", ("Set-Cookie", f"h2ogpte.session={TOKEN}; HttpOnly")),
            (f"> Authorization: Bearer-AD {TOKEN}", ()),
            ("headers %s", ({"Authorization": f"Bearer-AD {TOKEN}"},)),
            ("headers %r", ({"Authorization": f"Bearer-AD {TOKEN}", "Session-Id": "abc"},)),
            ("headers %s", ([("Authorization", f"Bearer-AD {TOKEN}")],)),
            ("headers %s", ([(b"authorization", f"Bearer-AD {TOKEN}".encode())],)),
            ("sending Bearer-AD %s", (TOKEN,)),
            ("%(Authorization)s", {"Authorization": f"Bearer-AD {TOKEN}"}),
        ],
    )
    def test_no_credential_passes(self, kept: Kept, name: str, message: str, arguments: Any) -> None:
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.debug(message, *([arguments] if isinstance(arguments, dict) else arguments))
        assert len(kept.lines) == 1
        assert "MARKER" not in kept.text
        assert "<hidden>" in kept.lines[0]

    def test_the_scheme_and_the_rest_stay(self, kept: Kept) -> None:
        logger = logging.getLogger("websockets.client")
        logger.debug("> %s: %s", "Authorization", f"Bearer-AD {TOKEN}")
        logger.debug("> %s: %s", "Session-Id", "abc")
        logger.debug("headers %r", {"Authorization": f"Bearer-AD {TOKEN}", "Session-Id": "abc"})
        assert kept.lines == [
            "> Authorization: Bearer-AD <hidden>",
            "> Session-Id: abc",
            "headers {'Authorization': 'Bearer-AD <hidden>', 'Session-Id': 'abc'}",
        ]

    def test_what_holds_nothing_is_left_as_it_is(self, kept: Kept) -> None:
        logging.getLogger("websockets.client").debug("= connection is %s", "OPEN")
        assert kept.records[0].args == ("OPEN",)

    def test_a_malformed_record_is_logging_s_affair(self, monkeypatch: pytest.MonkeyPatch) -> None:
        record = logging.LogRecord("websockets.client", logging.DEBUG, __file__, 1, "%s %s", ("one",), None)
        assert logging.getLogger("websockets.client").filter(record)

    def test_it_is_installed_once(self) -> None:
        for _ in range(3):
            redact_websocket_logs()
        for name in ("websockets", "websockets.client", "websockets.server", "websockets.protocol"):
            assert len(logging.getLogger(name).filters) == 1

    def test_a_child_that_exists_gets_its_own(self, kept: Kept) -> None:
        child = logging.getLogger("websockets.client.of_a_later_release")
        redact_websocket_logs()
        child.setLevel(logging.DEBUG)
        child.debug("> %s: %s", "Authorization", f"Bearer-AD {TOKEN}")
        assert "MARKER" not in kept.text

    def test_nobody_elses_log_is_touched(self, kept: Kept) -> None:
        logging.getLogger("websocketsish").debug("> Authorization: Bearer-AD %s", "of-an-application")
        assert kept.lines == ["> Authorization: Bearer-AD of-an-application"]


@pytest.mark.parametrize("scheme", ["auto", "Bearer-Token", "Bearer-AD"])
class TestRealSockets:
    """DEBUG on every logger of the process: websockets, httpx, httpcore, urllib3, asyncio, msal, azure and ours."""

    def test_sync(self, e: Emulator, provider: TokenProvider, kept: Kept, scheme: Any) -> None:
        client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
        tokens = [str(provider.token())]
        client.count_collections()
        e.advance(4000)
        with client.connect(client.create_chat_session()) as session:
            session.query("hello", timeout=10)
        tokens.append(str(provider.token()))
        self.searched(kept, e, tokens)

    def test_async(
        self, e: Emulator, provider: TokenProvider, kept: Kept, closing: Callable[[Any], Any], scheme: Any
    ) -> None:
        async def main() -> None:
            async with closing(await connect_async(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)) as client:
                await client.count_collections()
                async with client.connect(await client.create_chat_session()) as session:
                    await session.query("hello", timeout=10)

        asyncio.run(main())
        self.searched(kept, e, [str(provider.token())])

    @staticmethod
    def searched(kept: Kept, e: Emulator, tokens: list[str]) -> None:
        upgrade = [line for line in kept.lines if line.lower().startswith("> authorization:")]
        assert upgrade, "websockets has logged no header: this test sees nothing"
        text = kept.text
        for secret in (*tokens, *(token.rsplit(".", 1)[1] for token in tokens), e.client_secret):
            assert secret not in text


def test_the_shared_client(e: Emulator, provider: TokenProvider, kept: Kept, shared_client: Callable[..., Any]) -> None:
    token = provider.azure_token()
    shared_client(azure_token=token).query("session-1", "hello", timeout=10)
    TestRealSockets.searched(kept, e, [token])


@pytest.mark.parametrize("scheme", ["auto", "Bearer-Token", "Bearer-AD"])
def test_no_token_in_an_error_of_ours(e: Emulator, provider: TokenProvider, kept: Kept, scheme: Any) -> None:
    """Message, repr and traceback with every frame's locals, where the provider fails under a running client."""
    client = connect(e.h2ogpte_url, provider, scheme=scheme, verify=e.ca_file)
    token = str(provider.token())
    e.advance(4000)
    e.fail("token", error="invalid_client")
    with pytest.raises(EntraTokensError) as raised:
        client.count_collections()
    raised.value.__traceback__ = raised.tb.tb_next  # this test's own frame holds what it looks for
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    for text in (shown, repr(raised.value), repr(client.__dict__), kept.text):
        assert token not in text
        assert e.client_secret not in text


def test_no_token_in_locals_where_the_probe_fails(e: Emulator, provider: TokenProvider) -> None:
    token = str(provider.token())
    e.fail("h2ogpte", fault="reset")
    with pytest.raises(requests.ConnectionError) as raised:
        connect(e.h2ogpte_url, provider, verify=e.ca_file)
    frames = [frame for frame, _ in traceback.walk_tb(raised.tb) if "entra_tokens" in frame.f_code.co_filename]
    assert frames
    for frame in frames:
        assert token not in repr(frame.f_locals)
