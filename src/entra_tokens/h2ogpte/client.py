"""The real package `h2ogpte`, loaded when it is first needed."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine import workers
from ..engine.clock import Signal
from ..engine.waiting import wait_in_loop
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from h2ogpte import H2OGPTE, H2OGPTEAsync  # type: ignore[import-untyped] # it ships no py.typed

__all__ = ["Clients", "load", "load_off_the_loop", "refuse_second_method", "require", "version"]

OLDEST = (1, 6, 58)  # the first with azure_token= and with the clients' own check for several methods
_REMEDY = 'pip install "entra-tokens[h2ogpte]"'
_LONGEST_IMPORT = 60.0  # seconds; it takes 3 to 8


class Clients(NamedTuple):
    """What is used of the package."""

    H2OGPTE: type[H2OGPTE]
    H2OGPTEAsync: type[H2OGPTEAsync]
    version: str


def load() -> Clients:
    """Import the package, and leave the process's warning filters as they were.

    Raises:
        ConfigurationError: It is missing, or too old for `azure_token=`.
    """
    try:
        h2ogpte = _loaded() or _import()
    except ModuleNotFoundError as error:
        if error.name != "h2ogpte":
            raise
        raise ConfigurationError(f"The package h2ogpte is not installed: {_REMEDY}") from None
    version = str(getattr(h2ogpte, "__version__", ""))
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigurationError(
            f"h2ogpte {version or 'of an unknown version'} is too old for connect(), which needs {oldest} or newer: "
            f"{_REMEDY}. (From 1.4.0 on, H2OGPTE(token_provider=provider) works by itself.)"
        )
    return Clients(h2ogpte.H2OGPTE, h2ogpte.H2OGPTEAsync, version)


def require() -> None:
    """Make sure that the package is installed, without importing it.

    Raises:
        ConfigurationError: It is missing.
    """
    if _loaded() is None and importlib.util.find_spec("h2ogpte") is None:
        raise ConfigurationError(f"The package h2ogpte is not installed: {_REMEDY}")


async def load_off_the_loop() -> Clients:
    """As `load()`, on a thread, so that no event loop stands still for seconds."""
    if _loaded() is None:
        done = Signal()
        if workers.start(lambda: _load_and_tell(done), "entra-tokens-import"):
            await wait_in_loop(done, _LONGEST_IMPORT)
    return load()


def refuse_second_method(client: type[Any], address: str, options: dict[str, Any]) -> None:
    """Let the client itself say that only one method of authentication may be given, if there is one in the options.

    Raises:
        RuntimeError: The client's own.
    """
    if any(options.get(name) is not None for name in ("api_key", "token_provider", "azure_token")):
        client(address=address, api_key="-", azure_token="-")  # noqa: S106 - raises before anything is sent


def version() -> str:
    """The version of the package that is loaded."""
    return str(getattr(sys.modules.get("h2ogpte"), "__version__", "")) or "(of an unknown version)"


def _load_and_tell(done: Signal) -> None:
    try:
        load()
    except Exception:  # noqa: S110 - whoever waits loads again, and meets it there
        pass
    finally:
        done.set()


def _loaded() -> Any:
    """The package, if its import is complete."""
    module = sys.modules.get("h2ogpte")
    return module if hasattr(module, "H2OGPTEAsync") else None


def _import() -> Any:
    # Its dependencies add filters of their own; its module shared_client silences every warning of the process.
    with workers.importing(loggers=True), warnings.catch_warnings():
        import h2ogpte
    return h2ogpte


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match.group().split("."))) if match else ()
