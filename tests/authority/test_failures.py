"""Which error an authority's refusal becomes, and what it says."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from authority import stub
from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ClientSecret,
    ConsentRequired,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
    TokenProvider,
)
from entra_tokens.authority.aadsts import table
from entra_tokens.authority.failures import refusal
from entra_tokens.azure_core import as_azure_error
from entra_tokens.emulator import Emulator
from entra_tokens.request import TokenRequest
from entra_tokens.testing import fresh_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What Entra answers: error, number, suberror; and what that is to a caller. The answers are those of captures and
# public logs where there are any, of Microsoft's pages otherwise.
ANSWERS: list[tuple[str, int | None, str | None, type[EntraTokensError]]] = [
    ("invalid_client", 7000215, None, InvalidCredential),
    ("invalid_client", 7000222, None, InvalidCredential),
    ("invalid_client", 7000218, None, InvalidCredential),
    ("invalid_client", 700027, None, InvalidCredential),
    ("invalid_client", 700024, None, InvalidCredential),
    ("invalid_client", 700213, None, InvalidCredential),
    ("invalid_request", 70021, None, InvalidCredential),
    ("invalid_client", None, None, InvalidCredential),
    ("invalid_client", 9999999, None, InvalidCredential),
    ("unauthorized_client", 700016, None, InvalidCredential),
    ("unauthorized_client", None, None, InvalidCredential),
    ("invalid_grant", 50126, None, InvalidCredential),
    ("invalid_grant", 50013, None, InvalidCredential),
    ("invalid_grant", 500133, "bad_token", InvalidCredential),
    # The same `error` for what no secret mends: the number says so.
    ("invalid_client", 90002, None, AuthenticationFailed),
    ("unauthorized_client", 7000114, None, AuthenticationFailed),
    ("invalid_client", 700223, None, AuthenticationFailed),
    ("unauthorized_client", None, "protection_policy_required", AuthenticationFailed),
    ("unauthorized_client", 530003, "protection_policy_required", AuthenticationFailed),
    ("invalid_request", 90002, None, AuthenticationFailed),
    ("invalid_tenant", 90002, None, AuthenticationFailed),
    ("invalid_request", 900023, None, AuthenticationFailed),
    ("invalid_resource", 500011, None, AuthenticationFailed),
    ("invalid_scope", 70011, None, AuthenticationFailed),
    ("invalid_scope", 1002012, None, AuthenticationFailed),
    ("invalid_grant", 9002313, None, AuthenticationFailed),
    ("invalid_grant", 50105, None, AuthenticationFailed),
    ("invalid_grant", 53003, "message_only", AuthenticationFailed),
    ("invalid_grant", 9999999, None, AuthenticationFailed),
    ("unsupported_grant_type", 70003, None, AuthenticationFailed),
    ("", None, None, AuthenticationFailed),
    # A person.
    ("invalid_grant", 65001, "consent_required", ConsentRequired),
    ("invalid_grant", 65001, None, ConsentRequired),
    ("invalid_grant", 9999999, "consent_required", ConsentRequired),
    ("consent_required", None, None, ConsentRequired),
    ("interaction_required", 65001, None, ConsentRequired),
    ("invalid_client", 90094, None, ConsentRequired),
    ("access_denied", 65004, None, ConsentRequired),
    ("interaction_required", 50076, "basic_action", InteractionRequired),
    ("invalid_grant", 50076, None, InteractionRequired),
    ("interaction_required", 50079, "basic_action", InteractionRequired),
    ("interaction_required", 53003, "message_only", InteractionRequired),
    ("interaction_required", None, None, InteractionRequired),
    ("login_required", 50058, None, InteractionRequired),
    ("invalid_grant", 9999999, "basic_action", InteractionRequired),
    ("invalid_grant", 53000, "additional_action", InteractionRequired),
    ("invalid_grant", 50055, "user_password_expired", InteractionRequired),
    ("invalid_grant", 9999999, "user_password_expired", InteractionRequired),
    ("invalid_grant", 50173, "bad_token", InteractionRequired),
    ("invalid_grant", 50034, "bad_token", InteractionRequired),
    ("invalid_grant", 50034, None, AuthenticationFailed),
    ("invalid_grant", 70043, "token_expired", InteractionRequired),
    ("invalid_grant", 700082, None, InteractionRequired),
    ("invalid_grant", 9999999, "client_mismatch", InteractionRequired),
    ("invalid_grant", 50155, "device_authentication_failed", InteractionRequired),
    ("expired_token", 70020, None, InteractionRequired),
    # Later.
    ("invalid_grant", 50196, None, AuthorityUnavailable),
    ("temporarily_unavailable", 90033, None, AuthorityUnavailable),
    ("temporarily_unavailable", None, None, AuthorityUnavailable),
    ("server_error", None, None, AuthorityUnavailable),
    ("invalid_request", 90055, None, AuthorityUnavailable),
    ("invalid_grant", 50033, "bad_token", AuthorityUnavailable),
]


def answer(error: str, code: int | None, suberror: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"error": error, "suberror": suberror, "correlation_id": "c0ffee00-1"}
    if code is not None:
        body |= {"error_description": f"AADSTS{code}: Words. Trace ID: t Correlation ID: c", "error_codes": [code]}
    return body


@pytest.mark.parametrize(("error", "code", "suberror", "kind"), ANSWERS)
def test_the_class_of_an_answer(
    error: str, code: int | None, suberror: str | None, kind: type[EntraTokensError]
) -> None:
    """`InteractionRequired`, `ConsentRequired`, `InvalidCredential` and friends by code and suberror."""
    raised = refusal(answer(error, code, suberror), who="ClientSecret(app)", status=400)
    assert type(raised) is kind
    text = str(raised)
    assert text.startswith("ClientSecret(app): " if kind is AuthorityUnavailable else "ClientSecret(app) was refused: ")
    assert " Correlation id: c0ffee00-1. See docs/troubleshooting.md#" in text
    assert text.endswith(f"#{raised.anchor}.")
    if code is not None:
        assert f"AADSTS{code}" in text
    if isinstance(raised, AuthenticationFailed):
        assert raised.suberror == suberror
        assert raised.correlation_id == "c0ffee00-1"
        assert raised.hint is not None
        assert f" {raised.hint} Correlation id" in text
        assert "Trace ID" not in text


def test_every_number_says_what_it_means_and_one_next_step() -> None:
    for row in table().values():
        raised = refusal(answer("", row.code, None), who="us", status=400)
        assert type(raised).__name__ == row.kind
        happened = "us" if row.kind == "AuthorityUnavailable" else "us was refused"
        assert raised.message == (
            f"{happened}: {row.meaning[:-1]} (AADSTS{row.code}). {row.step} Correlation id: c0ffee00-1."
        )
        assert str(raised) == f"{raised.message} See docs/troubleshooting.md#aadsts{row.code}."


def test_the_first_number_that_is_known_is_explained() -> None:
    raised = refusal({"error": "invalid_client", "error_codes": [9999999, 7000222, 90002]}, who="us", status=401)
    assert "(AADSTS7000222)" in str(raised)
    assert isinstance(raised, InvalidCredential)
    assert raised.codes == (9999999, 7000222, 90002)


def test_what_a_tool_signs_in_with_is_the_step() -> None:
    """Where a person is needed, or may be; never beside another step."""
    steps = {
        50076: "Run 'az login'.",
        9999999: "If a person has to sign in again, run 'az login'.",
        500011: "Correct the scope: it is the server's Application ID URI with /.default appended.",
        90033: "Ask again in a while; nothing is wrong with your settings.",
    }
    for code, step in steps.items():
        raised = refusal({"error_description": f"AADSTS{code}: Words."}, who="AzureCli()", sign_in="az login")
        assert raised.message.endswith(f" {step}")
        assert raised.message.count(". ") == 1


def test_a_loop_is_quiet_for_a_minute() -> None:
    """AADSTS50196 comes without a Retry-After, for the same request 15 times in 5 minutes."""
    raised = refusal(answer("invalid_grant", 50196, None), who="us", status=400)
    assert isinstance(raised, AuthorityUnavailable)
    assert raised.retry_after == 60
    said = refusal(answer("invalid_grant", 50196, None), who="us", status=400, retry_after=7)
    assert isinstance(said, AuthorityUnavailable)
    assert said.retry_after == 7


@pytest.mark.parametrize("status", [429, 500, 503])
def test_throttling_and_outages_are_not_refusals(status: int) -> None:
    raised = refusal(answer("invalid_client", 7000215, None), who="us", status=status, retry_after=9)
    assert type(raised) is AuthorityUnavailable
    assert (raised.status, raised.retry_after) == (status, 9)


def test_an_outage_with_a_number_repeats_nothing_that_was_sent(tmp_path: Path) -> None:
    """A 5xx's number is explained; whatever else is in its body may be what was sent."""
    wanted, step = "c0ffee00-0000-4000-8000-000000000001", "Ask again in a while; nothing is wrong with your settings."
    with stub.running(tls=True) as service:
        credential = ClientSecret("t.example", "c", "MARKER", authority=service.url, verify=stub.ca_file(tmp_path))
        for given, shown in (("MARKER", ""), (wanted, f" Correlation id: {wanted}.")):
            body = {"error": "x", "error_description": "AADSTS90033: MARKER", "error_codes": [90033]}
            service.on("/token", stub.Reply(503, {**body, "correlation_id": given}))
            with pytest.raises(AuthorityUnavailable) as caught:
                credential.acquire(TokenRequest(("api://app/.default",)))
            what = "Entra's directory is unavailable for the moment (AADSTS90033)."
            assert caught.value.message == f"{credential!r}: {what} {step}{shown}"


def test_it_survives_a_pickle_and_azure_core() -> None:
    raised = refusal(answer("invalid_client", 7000215, None), who="us", status=401)
    twin = as_azure_error(raised)
    assert str(twin) == str(raised) == str(pickle.loads(pickle.dumps(twin))) == str(raised.copy())
    assert twin.anchor == "aadsts7000215"


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (7000222, InvalidCredential),
        (700016, InvalidCredential),
        (500011, AuthenticationFailed),
        (65001, ConsentRequired),
        (50076, InteractionRequired),
        (53003, AuthenticationFailed),  # no person is there who could be told
        (70043, InteractionRequired),
        (50196, AuthorityUnavailable),
        (90033, AuthorityUnavailable),
    ],
)
def test_end_to_end(entra: Emulator, code: int, kind: type[EntraTokensError]) -> None:
    """Through sockets, httpx and msal, as Entra says it."""
    credential = ClientSecret(
        entra.tenant_id, entra.client_id, entra.client_secret, authority=entra.authority, verify=str(entra.ca_file)
    )
    with fresh_engine(), entra.fail("token", error=code), TokenProvider(credential, "api://h2ogpte") as provider:
        with pytest.raises(EntraTokensError) as caught:
            provider.token(timeout=20)
        with pytest.raises(EntraTokensError) as azure:
            provider.get_token()
    error = caught.value
    assert type(error) is kind
    assert isinstance(azure.value, kind)
    assert str(azure.value) == str(error)
    for part in (entra.client_id, f"(AADSTS{code})", "Correlation id: ", f"docs/troubleshooting.md#aadsts{code}."):
        assert part in str(error)
    assert entra.client_secret not in str(error)
    if isinstance(error, AuthenticationFailed):
        assert error.codes == (code,)
        assert error.correlation_id in str(error)
        assert bool(error.claims) is (code in {50076, 53003})
