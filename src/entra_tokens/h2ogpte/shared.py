"""SharedClient and AsyncSharedClient: questions to chat sessions over sockets that outlive their tokens."""

from __future__ import annotations

import weakref
from concurrent.futures import CancelledError, wait
from typing import TYPE_CHECKING, Any, TypedDict

from ..authority.verify import resolved_verify
from ..engine.clock import Signal
from ..engine.waiting import wait_in_loop
from ..errors import ConfigurationError
from . import client
from .address import checked_address
from .faces import to_provider
from .options import checked_scheme
from .probe import BEARER_AD, BEARER_TOKEN
from .upgrade import socket_context

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from types import TracebackType

    from h2ogpte.types import ChatMessage  # type: ignore[import-untyped] # it ships no py.typed
    from typing_extensions import Self, Unpack

    from ..authority.verify import Verify
    from .chats import Chats
    from .connecting import Scheme
    from .faces import AnyProvider
    from .loop_thread import LoopThread

__all__ = ["AsyncSharedClient", "ChatOptions", "SharedClient"]

TIMEOUT = 1000.0  # seconds for a query: what `Session.query` says of itself
LONGEST_WAIT = 3600.0  # seconds; the query ends by itself
CLOSED = "The client was closed under the question."
CLOSING = 3.0  # seconds that close() waits at most


class ChatOptions(TypedDict, total=False):
    """What a query may say beside its message: `SharedH2OGPTEClient.query`'s own."""

    pre_prompt_query: str | None
    prompt_query: str | None
    image_batch_image_prompt: str | None
    image_batch_final_prompt: str | None
    pre_prompt_summary: str | None
    prompt_summary: str | None
    llm: str | int | None
    llm_args: dict[str, Any] | None
    self_reflection_config: dict[str, Any] | None
    rag_config: dict[str, Any] | None
    include_chat_history: bool | str | None
    tags: Any
    metadata_filter: dict[str, Any] | None


class _Shared:
    """What both faces are made of: the sessions, and the thread that they live on."""

    _may_block = False

    def __init__(
        self,
        address: str,
        provider: AnyProvider = None,
        *,
        verify: Verify = True,
        timeout: float = TIMEOUT,
        scheme: Scheme = "auto",
        scope: str | Iterable[str] | None = None,
    ) -> None:
        address = checked_address(address)
        checked_scheme(scheme)
        if not timeout > 0:
            raise ConfigurationError("timeout must be a number of seconds above 0.")
        if self._may_block:
            client.load()  # for seconds, once: here, rather than under the first question
        else:
            client.require()
        from .chats import Chats
        from .loop_thread import LoopThread

        # "auto": what the real shared client sends comes first.
        schemes = (BEARER_AD, BEARER_TOKEN) if scheme == "auto" else (scheme,)
        context = socket_context(address, resolved_verify(verify))
        self._timeout = timeout
        self._closed = False
        self._thread: LoopThread = LoopThread("entra-tokens-chats")
        self._chats: Chats = Chats(address, to_provider(provider, scope), schemes, context)
        self._abandon = weakref.finalize(self, _abandon, self._thread, self._chats)

    def _asked(
        self, session_id: str, message: str, timeout: float | None, retries: int, options: dict[str, Any]
    ) -> Future[Any]:
        seconds = self._timeout if timeout is None else timeout
        if not seconds > 0:
            raise ValueError("Timeout must be positive or None")
        unknown = options.keys() - ChatOptions.__annotations__.keys() - {"system_prompt"}
        if unknown:
            raise TypeError(f"query() has no option {min(unknown)!r}")
        if self._closed:
            raise ConfigurationError(f"This {type(self).__name__} is closed. Make a new one; tokens held are reused.")
        return self._thread.submit(self._chats.query(session_id, message, options, seconds, retries))

    def _session_closed(self, session_id: str) -> Future[None] | None:
        return self._thread.submit(self._chats.close_session(session_id)) if self._thread.running else None

    def _all_closed(self) -> Future[None] | None:
        self._closed = True
        self._abandon.detach()
        return self._thread.submit(self._chats.close()) if self._thread.running else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._chats.address}{' closed' if self._closed else ''}>"


class SharedClient(_Shared):
    """Asks chat sessions questions, as `SharedH2OGPTEClient` does, over sockets that outlive their tokens.

    May be used from many threads; questions to different sessions, and to one, are under way at the same time. Nothing
    is shared with any other client in the process. A program that does not close it ends all the same.

    Args:
        address: Of the server: https, or http on this machine.
        provider: A provider of either face, a credential (ours or azure-core's), or None for `Default()`.
        verify: Whom to trust: True, False, a CA file or folder, or an `ssl.SSLContext`.
        timeout: Seconds that a query may take, connecting and a new token included, where it does not say itself.
        scheme: How the token is sent: `"Bearer-AD"`, `"Bearer-Token"`, or `"auto"`: the first, and where the server
            answers that with 401 the second.
        scope: Whom the token is for; None: the provider's own, else `ENTRA_TOKENS_SCOPE`.

    Raises:
        ConfigurationError: An argument cannot be right, or h2ogpte is missing or too old.
    """

    _may_block = True

    def query(
        self,
        session_id: str,
        message: str,
        system_prompt: str | None = None,
        *,
        timeout: float | None = None,
        retries: int = 3,
        **options: Unpack[ChatOptions],
    ) -> ChatMessage:
        """Ask a question, and return the whole answer.

        A question is sent once: `retries` is for connecting. Whatever happens to the socket afterwards is this query's
        error, and the next one opens another.

        Args:
            session_id: Of the chat session, from `create_chat_session()`.
            message: What to ask.
            system_prompt: As `Session.query` has it.
            timeout: Seconds; None: the client's.
            retries: How often to try again to connect to a server that cannot be reached.
            options: As `SharedH2OGPTEClient.query` has them.

        Raises:
            TimeoutError: No answer in time. The server may go on, and its answer appear in the chat session.
            ConnectionError: The server cannot be reached, or the socket went under the question.
            h2ogpte.errors.UnauthorizedError: The server refused a renewed token, too.
            h2ogpte.types.SessionError: The server says that it cannot answer.
            EntraTokensError: No token can be had.
        """
        asked = self._asked(session_id, message, timeout, retries, {"system_prompt": system_prompt, **options})
        try:
            return asked.result()
        except CancelledError:
            raise ConnectionError(CLOSED) from None
        finally:
            asked.cancel()  # an interrupted caller does not want it any more

    def close_session(self, session_id: str) -> None:
        """Close one session's socket; a question under way on it fails. The next query opens another."""
        closed = self._session_closed(session_id)
        if closed is not None:
            closed.result()

    def close(self) -> None:
        """Close every socket, within a second or two; questions under way fail. Closing twice is no error."""
        closed = self._all_closed()
        if closed is not None:
            wait([closed], CLOSING)
            self._thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncSharedClient(_Shared):
    """A `SharedClient` whose methods are coroutine functions. Takes the same arguments.

    May be used from many event loops, one after the other or at the same time, asyncio and trio: its sockets live on a
    thread of their own. No loop is ever blocked.
    """

    async def query(
        self,
        session_id: str,
        message: str,
        system_prompt: str | None = None,
        *,
        timeout: float | None = None,
        retries: int = 3,
        **options: Unpack[ChatOptions],
    ) -> ChatMessage:
        """As `SharedClient.query`; a cancelled caller leaves its question."""
        asked = self._asked(session_id, message, timeout, retries, {"system_prompt": system_prompt, **options})
        return await _awaited(asked)

    async def close_session(self, session_id: str) -> None:
        """As `SharedClient.close_session`."""
        closed = self._session_closed(session_id)
        if closed is not None:
            await _awaited(closed)

    async def close(self) -> None:
        """As `SharedClient.close`."""
        closed = self._all_closed()
        if closed is not None:
            await _awaited(closed)
            self._thread.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


async def _awaited(future: Future[Any]) -> Any:
    """Wait for what runs on the thread, on whatever loop runs here."""
    done = Signal()
    future.add_done_callback(lambda _: done.set())
    try:
        while not await wait_in_loop(done, LONGEST_WAIT):
            pass
        return future.result()
    except CancelledError:  # of the future, not of whoever waits
        raise ConnectionError(CLOSED) from None
    finally:
        future.cancel()


def _abandon(thread: LoopThread, chats: Chats) -> None:
    """The client is gone, or the interpreter is going: close what there is, and wait for nothing."""
    if thread.running:
        thread.submit(chats.close()).add_done_callback(lambda _: thread.stop())
