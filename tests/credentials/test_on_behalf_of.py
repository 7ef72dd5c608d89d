from __future__ import annotations

import gc
import itertools
import pickle
import ssl
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from entra_tokens.credentials import on_behalf_of
from entra_tokens.credentials.client_assertion import ClientAssertion
from entra_tokens.credentials.client_certificate import ClientCertificate
from entra_tokens.credentials.on_behalf_of import OnBehalfOf
from entra_tokens.errors import AuthenticationFailed, ConfigurationError, InteractionRequired, InvalidCredential
from entra_tokens.provider import TokenProvider
from entra_tokens.request import TokenRequest
from entra_tokens.stores.memory import MOST_BYTES
from entra_tokens.testing import fresh_engine
from entra_tokens.token import Token

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://downstream/.default",))
_numbers = itertools.count()


def users_token(e: Emulator) -> str:
    """What the application of a user, another each time, sends to ours."""
    user = e.register_user(f"user{next(_numbers)}@example.com")
    form = {
        "grant_type": "password", "client_id": e.client_id, "client_secret": e.client_secret,
        "username": user.user.username, "password": user.password, "scope": f"api://{e.client_id}/.default",
    }  # fmt: skip
    with httpx.Client(verify=ssl.create_default_context(cafile=e.ca_file), trust_env=False) as http:
        answer = http.post(f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token", data=form).json()
    e.clear()
    return str(answer["access_token"])


def credential(e: Emulator, user_assertion: str, client_credential: Any = None, **options: Any) -> OnBehalfOf:
    given = e.client_secret if client_credential is None else client_credential
    options = {"authority": e.authority, "verify": e.ca_file, **options}
    return OnBehalfOf(e.tenant_id, e.client_id, given, user_assertion, **options)


def test_the_exchange(e: Emulator) -> None:
    sent = users_token(e)
    token = credential(e, sent).acquire(ASK)
    form = e.token_requests[-1].form
    assert form["assertion"] == sent
    assert form["requested_token_use"] == "on_behalf_of"
    assert ASK.scopes[0] in form["scope"].split()
    assert "downstream" in token.claims()["aud"]
    assert token.claims()["oid"]


@pytest.mark.parametrize("how", ["secret", "path", "bytes", "certificate", "assertion", "callable"])
def test_every_proof(e: Emulator, how: str) -> None:
    given: dict[str, Any] = {
        "secret": e.client_secret,
        "path": Path(e.client_certificate),
        "bytes": Path(e.client_certificate).read_bytes(),
        "certificate": ClientCertificate(e.tenant_id, e.client_id, e.client_certificate, send_chain=True),
        "assertion": ClientAssertion(e.tenant_id, e.client_id, e.federated_token),
        "callable": e.federated_token,
    }
    assert credential(e, users_token(e), given[how]).acquire(ASK)
    assert ("client_secret" in e.token_requests[-1].form) == (how == "secret")


def test_many_users_share_one_application(e: Emulator) -> None:
    credential(e, users_token(e)).acquire(ASK)
    sent = [users_token(e) for _ in range(5)]
    for each in sent:
        credential(e, each).acquire(ASK)
    assert len(e.requests) == 5, "the discovery of before served"


def test_each_users_tokens_are_kept_apart(e: Emulator) -> None:
    one, other = users_token(e), users_token(e)
    with fresh_engine():
        for _ in range(3):
            with TokenProvider(credential(e, one), ASK.scopes[0]) as provider:
                first = provider.token()
            with TokenProvider(credential(e, other), ASK.scopes[0]) as provider:
                second = provider.token()
            assert first.claims()["oid"] != second.claims()["oid"]
    assert len(e.token_requests) == 2


def test_twenty_thousand_users(e: Emulator) -> None:
    """What stays behind does not grow with the users: neither applications nor objects."""
    held = len(on_behalf_of._applications)
    made = [credential(e, f"assertion-{number}") for number in range(100)]
    assert len({id(one._shared) for one in made}) == 1
    assert len({one.identity for one in made}) == 100
    del made
    gc.collect()
    before = len(gc.get_objects())
    for number in range(20_000):
        OnBehalfOf("t.example", "c", "secret", f"assertion-{number}", authority=e.authority, verify=False, proxy="")
    gc.collect()
    assert len(gc.get_objects()) - before < 500
    assert len(on_behalf_of._applications) <= held + 2


def test_memory_counts_what_is_held_for_a_user(e: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 users, bounded memory: by what they really take, assertions of 2 KB and tokens of 2 KB included."""

    class Answered(OnBehalfOf):
        def acquire(self, request: TokenRequest) -> Token:
            return Token(f"{self.held_bytes:02000}", expires_on=2e9, scopes=request.scopes)

    def ask(number: int) -> None:
        options: dict[str, Any] = {"authority": e.authority, "verify": False, "proxy": ""}
        one = Answered("t.example", "c", "secret", f"{number:02000}", **options)
        with TokenProvider(one, ASK.scopes[0]) as provider:
            provider.get_token()

    users = 200
    monkeypatch.setattr(threading.Thread, "start", _no_thread)  # flights run here, where they are counted
    with fresh_engine() as engine:
        ask(0)
        gc.collect()
        tracemalloc.start(1)
        try:
            before = tracemalloc.get_traced_memory()[0]
            for number in range(1, users + 1):
                ask(number)
            gc.collect()
            taken = (tracemalloc.get_traced_memory()[0] - before) / users
        finally:
            tracemalloc.stop()
        memory = engine._memory
        assert memory is not None
        assert len(memory) == users + 1
        counted = memory.bytes / len(memory)
    assert 0.6 * counted < taken <= counted
    assert 100_000 * counted <= MOST_BYTES


def _no_thread(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_many_applications_do_not_pile_up() -> None:
    for number in range(3 * on_behalf_of.MOST_APPLICATIONS):
        OnBehalfOf("t.example", f"client-{number}", "secret", "assertion")
    assert len(on_behalf_of._applications) == on_behalf_of.MOST_APPLICATIONS


def test_a_policy_passes_its_claims_on(e: Emulator) -> None:
    one = credential(e, users_token(e))
    e.fail("token", error="interaction_required", times=1, body={"claims": '{"access_token":{"acrs":{}}}'})
    with pytest.raises(InteractionRequired) as caught:
        one.acquire(ASK)
    assert caught.value.claims == '{"access_token":{"acrs":{}}}'


def test_refusals(e: Emulator) -> None:
    sent = users_token(e)
    with pytest.raises(InvalidCredential, match="AADSTS7000215"):
        credential(e, sent, "MARKER-wrong").acquire(ASK)
    with pytest.raises(AuthenticationFailed) as caught:
        credential(e, "MARKER-not-a-token").acquire(ASK)
    assert "MARKER" not in str(caught.value)


def test_claims_and_cae(e: Emulator) -> None:
    asked = TokenRequest(ASK.scopes, claims='{"access_token":{"nbf":{"value":"1"}}}', enable_cae=True)
    credential(e, users_token(e)).acquire(asked)
    assert "CP1" in e.token_requests[-1].form["claims"]
    assert "nbf" in e.token_requests[-1].form["claims"]


@pytest.mark.parametrize("given", [None, 7, "", "  ", object()])
def test_what_is_no_proof(given: Any) -> None:
    with pytest.raises(ConfigurationError):
        OnBehalfOf("t.example", "c", given, "assertion")


@pytest.mark.parametrize("given", [None, b"x", "", "Bearer MARKER", "a\nb", "é"])
def test_what_is_no_users_token(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="Bearer") as caught:
        OnBehalfOf("t.example", "c", "secret", given)
    assert "MARKER" not in str(caught.value)


def test_identity_tells_apart_and_tells_nothing() -> None:
    def made(user: str = "MARKER-1", proof: Any = "MARKER-secret", **options: Any) -> OnBehalfOf:
        return OnBehalfOf("t.example", "c", proof, user, **options)

    others = [made("MARKER-2"), made(proof="2"), made(proof=b"2"), made(verify=False), made(proof=Path("x.pem"))]
    assert made() == made()
    assert len({made(), *others}) == 6
    key = b"k" * 32
    assert made().identity_under(key) == made().identity_under(key) != made("MARKER-2").identity_under(key)
    assert made(proof=lambda: "x").identity_under(key) is None
    assert "MARKER" not in repr([made().identity, made(), vars(made()), made().identity_under(key)])
    with pytest.raises(TypeError, match="ManagedIdentity"):
        pickle.dumps(made())
    with pytest.raises(TypeError):
        made(tiemout=3)
