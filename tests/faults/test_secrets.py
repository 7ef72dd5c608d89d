"""Every success and every fault with every logger at DEBUG: no secret, token or code shows anywhere.

The secrets are the emulator's own, which arrive there in the open; whatever arrived is what is searched for.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from engine.faces import FACES, Face
from entra_tokens import DeviceCode, EntraTokensError, ManagedIdentity, TokenRequest
from entra_tokens.acquiring import Acquiring, acquiring
from faults.kit import ImpatientClock, Scene, SleeplessClock, client_secret, settle
from faults.search import Collector, Search
from faults.test_table import CASES, PLAIN, Case, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens import DeviceCodePrompt
    from entra_tokens.emulator import Emulator

FACE = pytest.mark.parametrize("face", FACES[:2], ids=lambda face: face.name)  # what loops do differently shows nothing
METHODS = ("token", "get_token", "get_token_info", "azure_token", "authorization")
MARKER = "MARKER-0123456789-abcdefghij-of-a-secret"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What all loggers say, those included that are there already and keep to a level of their own."""
    collector, changed = Collector(), []
    for logger in [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]:
        changed.append((logger, logger.level, logger.propagate))
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    logging.getLogger().addHandler(collector)
    try:
        yield collector.records
    finally:
        logging.getLogger().removeHandler(collector)
        for logger, level, propagate in changed:
            logger.setLevel(level)
            logger.propagate = propagate


@pytest.fixture
def search(e: Emulator, records: list[logging.LogRecord], capfd: pytest.CaptureFixture[str]) -> Iterator[Search]:
    """Searches when the test is over, the screen included."""
    made = Search(e, records)
    yield made
    settle()
    made.add("screen", *capfd.readouterr())
    made.finds_nothing()
    if any(record.target == "token" for record in e.requests):
        assert "httpcore.http11" in {record.name for record in records}  # the libraries under us did speak


def every_method(scene: Scene, search: Search) -> int:
    """Call all that gives a token; keep what they raise; tell how many failed."""
    failed = 0
    for name in METHODS:
        try:
            given = scene.face.run(getattr(scene.provider, name))
        except Exception as error:
            search.add_error(error)
            failed += 1
        else:
            bare = getattr(given, "token", given)
            search.plant(str(bare).removeprefix("Bearer "))
            if name not in ("azure_token", "authorization"):  # plain strings, as their users need them
                search._texts.append((name, repr(given)))
    if not isinstance(scene.credential, DeviceCode):  # which by itself would poll on the machine's clock
        try:
            with acquiring(Acquiring(SleeplessClock())):
                search.plant(scene.credential.acquire(TokenRequest((scene.e.h2ogpte_scope,))))
        except EntraTokensError as error:
            search.add_error(error)
    settle()
    search.add_scene(scene)
    return failed


@FACE
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_client_secret_under_every_fault(
    e: Emulator, clock: ImpatientClock, case: Case, face: Face, search: Search
) -> None:
    stage = Stage(e, clock, face, case)
    search.plant(stage.first_token())
    stage.strike()
    stage.advance(2700)
    assert every_method(stage, search) == 0  # stale
    stage.advance(1000)
    assert every_method(stage, search) == len(METHODS)  # expired
    stage.heal()
    stage.advance(3700)
    for _ in range(5 if case.slow else 1):
        if not every_method(stage, search):
            break
        stage.advance(300)
    assert stage.provider.status().state == "fresh"


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
@pytest.mark.parametrize("place", ["imds", "app_service"])
def test_a_managed_identity_under_every_fault(
    e: Emulator, clock: ImpatientClock, case: Case, place: str, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in e.environ(place).items():
        monkeypatch.setenv(name, value)
    search.plant(e.environ("app_service")["IDENTITY_HEADER"])
    stage = Stage(e, clock, FACES[0], case, place)
    search.plant(stage.first_token())
    stage.strike()
    stage.advance(3700)
    assert every_method(stage, search) == len(METHODS)


def echoes(secret: str) -> dict[str, dict[str, Any]]:
    """Authorities that repeat what they were sent, or send what nobody may see."""
    from urllib.parse import quote

    text = f"The value '{secret}' ({quote(secret, safe='')}) in client_secret={secret}&scope=x is wrong."
    return {
        "invalid_client": {"error": "invalid_client", "body": {"error_description": text}},
        "invalid_grant": {"error": 50076, "body": {"error_description": text, "claims": '{"access_token":{}}'}},
        "consent": {"error": 65001, "body": {"error_description": text}},
        "unknown error": {"status": 400, "body": {"error": "odd", "error_description": text}},
        "error of its own": {"status": 400, "body": {"error": secret, "suberror": secret, "correlation_id": secret}},
        "error as object": {"status": 400, "body": {"error": {"code": "x", "message": text}}},
        "numbers that are none": {"status": 400, "body": {"error": "odd", "error_codes": [secret]}},
        "5xx with json": {"status": 500, "body": {"error": "server_error", "error_description": text}},
        "html": {"status": 400, "body": f"<html>{text}</html>"},
        "plain": {"status": 200, "body": text},
        "a list": {"status": 200, "body": f'["{secret}"]'},
        "a redirect": {"status": 302, "headers": {"Location": f"https://localhost/?client_secret={secret}"}},
        "in headers": {"status": 503, "headers": {"Retry-After": secret, "X-Echo": secret, "WWW-Authenticate": secret}},
        "no token": {"reply": {"access_token": None, "refresh_token": MARKER, "id_token": MARKER}},
        "an expired token": {"reply": {"access_token": MARKER, "expires_in": -1}},
        "a token with a line break": {"reply": {"access_token": f"{MARKER}\r\nX: {secret}"}},
        "a token that is a number": {"reply": {"access_token": [MARKER]}},
        "another type": {"reply": {"access_token": MARKER, "token_type": MARKER}},
        "no expiry": {"reply": {"access_token": MARKER, "expires_in": MARKER}},
        "more than was asked": {"reply": {"access_token": MARKER, "refresh_token": MARKER, "id_token": MARKER}},
        "client_info that is none": {"reply": {"access_token": MARKER, "client_info": MARKER}},
        "an id token that is none": {"reply": {"access_token": MARKER, "id_token": f"a.{MARKER}.c"}},
    }


@pytest.mark.parametrize("name", echoes("secret-to-be"))
@pytest.mark.parametrize("target", ["token", "discovery"])
@FACE
def test_an_authority_that_repeats_secrets(
    e: Emulator, clock: ImpatientClock, name: str, target: str, face: Face, search: Search
) -> None:
    search.plant(MARKER)
    if name in ("a redirect", "in headers"):
        # At DEBUG httpcore writes an answer's headers down as they came, whatever an authority puts into them.
        search.overlook("record of httpcore.http11")
    e.fail(target, **echoes(e.client_secret)[name])
    failed = every_method(Scene(e, clock, face, client_secret(e)), search)
    assert e.requests
    if target == "token" and name in ("more than was asked", "client_info that is none", "an id token that is none"):
        assert failed == 0  # what is beside the token is nobody's business


@pytest.mark.parametrize("name", echoes("secret-to-be"))
@pytest.mark.parametrize("place", ["imds", "app_service"])
def test_a_metadata_service_that_repeats_secrets(
    e: Emulator, clock: ImpatientClock, name: str, place: str, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in e.environ(place).items():
        monkeypatch.setenv(variable, value)
    header = e.environ("app_service")["IDENTITY_HEADER"]
    if place == "app_service":  # IMDS is sent no secret that it could repeat
        search.plant(header)
    search.plant(MARKER)
    e.fail(place, **echoes(header)[name])
    every_method(Scene(e, clock, FACES[0], ManagedIdentity(), target=place), search)
    assert e.token_requests


@pytest.mark.parametrize("secret", ["", "  ", 7, None, "raises"])
def test_a_callable_that_gives_no_secret(e: Emulator, clock: ImpatientClock, secret: Any, search: Search) -> None:
    def give() -> Any:
        if secret == "raises":
            raise RuntimeError(MARKER)
        return secret

    search.plant(MARKER)
    scene = Scene(e, clock, FACES[0], client_secret(e, client_secret=give))
    assert every_method(scene, search) == len(METHODS)
    assert e.token_requests == []


def test_a_proxys_password(e: Emulator, clock: ImpatientClock, search: Search) -> None:
    search.plant(MARKER)
    Scene(e, clock, FACES[0], client_secret(e)).call()
    scene = Scene(e, clock, FACES[0], client_secret(e, proxy=f"http://ada:{MARKER}@{e.control_url.split('/')[2]}"))
    assert every_method(scene, search) == len(METHODS)


DEVICE_FAULTS: list[dict[str, Any]] = [
    {},
    {"status": 500},
    {"status": 429, "headers": {"Retry-After": "3"}},
    {"fault": "reset"},
    {"fault": "html"},
    {"fault": "bad_json"},
    {"error": "invalid_grant"},
    {"error": "expired_token"},
    {"reply": {"access_token": MARKER, "refresh_token": MARKER, "id_token": f"a.{MARKER}.c"}},
    {"reply": {"access_token": f"{MARKER}\n", "refresh_token": MARKER}},
]


@pytest.mark.parametrize("fault", DEVICE_FAULTS, ids=lambda fault: "-".join(map(str, fault)) or "none")
@pytest.mark.parametrize("again", [False, True], ids=["sign_in", "renewal"])
@FACE
def test_a_device_code_and_what_comes_of_it(
    e: Emulator, clock: ImpatientClock, face: Face, fault: dict[str, Any], again: bool, search: Search
) -> None:
    search.plant(MARKER)
    codes: list[str] = []

    def prompt(shown: DeviceCodePrompt) -> None:
        search.add("prompt", shown) if not str(shown).count(shown.user_code) else None
        codes.append(shown.user_code)
        e.approve(shown.user_code)

    credential = DeviceCode(e.client_id, e.tenant_id, prompt=prompt, authority=e.authority, verify=e.ca_file)
    scene = Scene(e, clock, face, credential)  # type: ignore[arg-type]
    if not again and fault:
        e.fail("token", times=1, **fault)
    every_method(scene, search)
    if again:
        if fault:
            e.fail("token", times=1, **fault)
        scene.advance(3700)
        every_method(scene, search)
    assert codes
    assert any("device_code" in record.form for record in e.requests)
    search.plant(*codes)


def test_warnings_say_nothing(e: Emulator, clock: ImpatientClock, search: Search) -> None:
    e.lifetime = 300
    scene = Scene(e, clock, FACES[0], client_secret(e))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        search.plant(scene.provider.azure_token())
    assert len(seen) == 1
    search.add("warning", seen[0].message, seen[0])


def test_the_search_finds_what_is_there(e: Emulator, records: list[logging.LogRecord]) -> None:
    """Each place is looked at: one secret in it, and the search fails."""

    def broken(place: str) -> Search:
        search = Search(e, [])
        if place == "record":
            search = Search(e, [logging.LogRecord("n", 10, "p", 1, "%s", (e.client_secret,), None)])
        elif place == "error":
            search.add_error(EntraTokensError(f"no: {e.client_secret}"))
        elif place == "cause":
            error = EntraTokensError("no")
            error.__context__ = ValueError(e.client_secret)
            search.add_error(error)
        elif place == "token":
            search.add("provider", "eyJhbGciOi")
        elif place == "frames":
            from entra_tokens.request import checked_tenant_id

            try:
                checked_tenant_id(_Shown(e.client_secret))  # type: ignore[arg-type]
            except EntraTokensError as error:
                search._texts.clear()
                search._texts += [("frames", text) for text in _frames(error)]
        return search

    for place in ("record", "error", "cause", "token", "frames"):
        with pytest.raises(AssertionError):
            broken(place).finds_nothing()
    Search(e, []).finds_nothing()


class _Shown:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _frames(error: BaseException) -> list[str]:
    from faults.search import _locals

    return list(_locals(error))
