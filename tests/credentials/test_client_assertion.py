from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens.credentials.client_assertion import ClientAssertion
from entra_tokens.errors import AuthorityUnavailable, ConfigurationError, InvalidCredential
from entra_tokens.request import TokenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens.emulator import Emulator

ASK = TokenRequest(("api://app/.default",))


def of_a_module() -> str:
    return "MARKER"


def credential(e: Emulator, assertion: Callable[[], Any]) -> ClientAssertion:
    return ClientAssertion(e.tenant_id, e.client_id, assertion, authority=e.authority, verify=e.ca_file)


def test_the_callable_is_asked_at_every_exchange(e: Emulator) -> None:
    given: list[str] = []

    def assertion() -> str:
        given.append(e.federated_token(jti=str(len(given))))
        return given[-1]

    one = credential(e, assertion)
    for _ in range(3):
        assert one.acquire(ASK)
    assert [record.form["client_assertion"] for record in e.token_requests] == given
    assert len(set(given)) == 3
    assert len(e.requests) == 4, "one discovery"


def test_threads_send_each_their_own(e: Emulator) -> None:
    mine = threading.local()
    one = credential(e, lambda: str(mine.assertion))
    start = threading.Barrier(6)
    outcomes: list[object] = []

    def ask(number: int) -> None:
        mine.assertion = e.federated_token(jti=f"thread-{number}")
        start.wait()
        try:
            outcomes.append(bool(one.acquire(TokenRequest((f"api://app{number}/.default",)))))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 6
    assert len({record.form["client_assertion"] for record in e.token_requests}) == 6


def test_a_refusal(e: Emulator) -> None:
    with pytest.raises(InvalidCredential, match="AADSTS700213"):
        credential(e, lambda: e.federated_token("somebody else")).acquire(ASK)


def test_claims_and_another_tenant(e: Emulator) -> None:
    other = e.register_tenant()
    asked = TokenRequest(ASK.scopes, tenant_id=other, claims='{"access_token":{"nbf":{"value":"1"}}}', enable_cae=True)
    credential(e, e.federated_token).acquire(asked)
    assert e.token_requests[-1].path.startswith(f"/{other}/")
    assert "CP1" in e.token_requests[-1].form["claims"]
    assert "nbf" in e.token_requests[-1].form["claims"]


@pytest.mark.parametrize("given", [None, "", "  ", b"x", "é"], ids=repr)
def test_what_is_no_assertion(e: Emulator, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="JWT"):
        credential(e, lambda: given).acquire(ASK)
    assert not e.requests


def test_a_callable_that_raises(e: Emulator) -> None:
    def choke() -> str:
        raise RuntimeError("MARKER")

    with pytest.raises(ConfigurationError, match="RuntimeError") as caught:
        credential(e, choke).acquire(ASK)
    assert "MARKER" not in str(caught.value)
    assert caught.value.__context__ is None

    def down() -> str:
        raise AuthorityUnavailable("the metadata service is down", retry_after=7)

    with pytest.raises(AuthorityUnavailable, match="metadata") as found:
        credential(e, down).acquire(ASK)
    assert found.value.retry_after == 7


@pytest.mark.parametrize("given", [None, "an assertion", str, 7])
def test_what_is_no_callable(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="function"):
        ClientAssertion("t.example", "c", given)


def test_identity_and_pickling() -> None:
    one = ClientAssertion("t.example", "c", of_a_module, timeout=3)
    assert one == ClientAssertion("t.example", "c", of_a_module)
    assert one != ClientAssertion("t.example", "c", lambda: "other")
    assert one.identity_under(b"k" * 32) is None
    assert pickle.loads(pickle.dumps(one)) == one

    class Holder:
        def __call__(self) -> str:
            return "MARKER"

    with pytest.raises(TypeError, match="ManagedIdentity"):
        pickle.dumps(ClientAssertion("t.example", "c", Holder()))
