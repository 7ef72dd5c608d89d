"""Showing a person what to do, whichever way the program wants it shown."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from ..errors import AuthenticationFailed
from ..record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Prompt: TypeAlias = "Callable[[DeviceCodePrompt], Awaitable[None] | None]"

__all__ = ["DeviceCodePrompt", "show"]


class DeviceCodePrompt(Record):
    """What a person needs to sign in on another device.

    Args:
        user_code: The code to enter.
        verification_uri: The page to enter it on.
        expires_on: Epoch seconds until which the code can be used.
        message: Both of it in a sentence, in the authority's words.
    """

    user_code: str
    verification_uri: str
    expires_on: float
    message: str

    _hidden = ("user_code", "message")

    def __init__(self, user_code: str, verification_uri: str, expires_on: float, message: str) -> None:
        self._set(user_code=user_code, verification_uri=verification_uri, expires_on=expires_on, message=message)


def show(prompt: Prompt | None, shown: DeviceCodePrompt) -> None:
    """Call what the user gave, wherever it may run; without any, write the message to stderr.

    Raises:
        AuthenticationFailed: What the user gave raised; that is the cause.
    """
    if prompt is None:
        if sys.stderr is not None:  # pythonw has none
            sys.stderr.write(shown.message + "\n")
            sys.stderr.flush()
        return
    try:
        outcome: Any = prompt(shown)
        if isinstance(outcome, Awaitable):
            _run(outcome)
        return
    except Exception as error:
        cause = error.with_traceback(None)
    failure = AuthenticationFailed(
        f"The function given as prompt= raised {type(cause).__name__}, so nobody was asked to sign in.",
        anchor="device-code-and-browser",
    )
    failure.__cause__ = cause
    raise failure


def _run(waiting: Awaitable[None]) -> None:
    """Run a coroutine to its end on a loop of its own."""
    import asyncio
    import threading

    async def finish() -> None:
        await waiting

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(finish())
        return
    failures: list[BaseException] = []  # login() called inside a loop

    def apart() -> None:
        try:
            asyncio.run(finish())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=apart, name="entra-tokens prompt", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
