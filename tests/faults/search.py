"""Looks for secrets wherever one could show: records, errors with their frames, pictures, pickles, the screen."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import entra_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entra_tokens.emulator import Emulator
    from faults.kit import Scene

__all__ = ["Collector", "Search"]

OURS = str(Path(entra_tokens.__file__).parent)
THE_EMULATORS = str(Path(OURS) / "emulator")
# What arrives at the authority and is a secret.
FIELDS = ("client_secret", "device_code", "refresh_token", "client_assertion", "assertion", "code")


class Collector(logging.Handler):
    """Everything that any logger says at DEBUG."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Search:
    """The places where nothing may be found, and what may not be found there."""

    def __init__(self, e: Emulator, records: list[logging.LogRecord]) -> None:
        self._e = e
        self._records = records
        self._texts: list[tuple[str, str]] = []
        self._planted: set[str] = {e.client_secret}
        self._overlooked: set[str] = set()

    def plant(self, *secrets: str) -> None:
        self._planted.update(str(secret) for secret in secrets)

    def overlook(self, where: str) -> None:
        """Do not look there."""
        self._overlooked.add(where)

    def add(self, where: str, *things: Any) -> None:
        for thing in things:
            self._texts += [(where, str(thing)), (where, repr(thing))]

    def add_error(self, error: BaseException) -> None:
        """An error with all that hangs on it."""
        for each in _family(error, set()):
            self.add(f"args of {type(error).__name__}", each, each.args, *vars(each).values())
            self._texts += [("its frames", text) for text in _locals(each)]
            self._texts += [("its traceback", "".join(traceback.format_exception(each)))]
        if isinstance(error, entra_tokens.EntraTokensError) and type(error).__module__ == "entra_tokens.errors":
            self._texts.append(("its pickle", repr(pickle.dumps(error))))

    def add_scene(self, scene: Scene) -> None:
        """What a provider shows of itself."""
        provider, credential = scene.provider, scene.credential
        self.add("provider", provider, provider.as_sync(), provider.as_async(), credential, credential.identity)
        self.add("status", provider.status(), scene.events)
        self._texts.append(("pickled status", repr(pickle.dumps((provider.status(), scene.events)))))
        for thing in (provider, credential):
            try:
                self._texts.append(("pickle", repr(pickle.dumps(thing))))
            except Exception as refusal:
                self.add_error(refusal)
        for event in scene.events:
            if event.error is not None:
                self.add_error(event.error)

    def finds_nothing(self) -> None:
        self._texts += [(f"record of {record.name}", text) for record in self._records for text in _texts(record)]
        markers = set(_forms(self._planted | set(self._arrived())))
        found = {(where, marker[:12]) for where, text in self._texts for marker in markers | {"eyJ"} if marker in text}
        found = {(where, marker) for where, marker in found if where not in self._overlooked}
        assert not found, found

    def _arrived(self) -> Iterator[str]:
        for record in self._e.requests:
            yield from (record.form[name] for name in FIELDS if name in record.form)
            for name, value in record.headers.items():
                if name.lower() in ("x-identity-header", "authorization", "secret"):
                    yield value


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        yield from {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}


def _family(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for other in (error.__cause__, error.__context__, *vars(error).values()):
        if isinstance(other, BaseException):
            yield from _family(other, seen)


def _locals(error: BaseException) -> Iterator[str]:
    """The locals of the package's own frames, as an error reporter would send them away."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name.startswith(OURS) and not name.startswith(THE_EMULATORS):
            yield from (f"{frame.f_code.co_name}: {key} = {value!r}" for key, value in frame.f_locals.items())


def _texts(record: logging.LogRecord) -> Iterator[str]:
    yield record.getMessage()
    yield repr(vars(record))
    yield logging.Formatter("%(message)s").format(record)
    if record.exc_info and record.exc_info[1] is not None:
        yield from _locals(record.exc_info[1])
