"""What Entra says when it says no: AADSTS numbers, their OAuth names, statuses, texts and exact bodies."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any, NamedTuple

__all__ = ["Refusal", "refusal_for"]

_URI = "https://login.microsoftonline.com/error?code={code}"


class _Entry(NamedTuple):
    status: int
    error: str
    text: str
    suberror: str | None = None
    has_uri: bool = False


# Statuses, names and which of them carry error_uri or suberror: captures of the real service where there are any,
# Microsoft's pages and public logs otherwise. The first entry of an OAuth name stands for that name.
_TABLE: dict[int, _Entry] = {
    7000215: _Entry(
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client_id}'.",
        has_uri=True,
    ),
    7000218: _Entry(
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        has_uri=True,
    ),
    7000222: _Entry(
        401, "invalid_client", "The provided client secret keys for app '{client_id}' are expired.", has_uri=True
    ),
    700016: _Entry(
        400,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
        has_uri=True,
    ),
    900144: _Entry(
        400, "invalid_request", "The request body must contain the following parameter: '{parameter}'.", has_uri=True
    ),
    90002: _Entry(
        400,
        "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        has_uri=True,
    ),
    900561: _Entry(
        400, "invalid_request", "The endpoint only accepts POST requests. Received a {method} request.", has_uri=True
    ),
    50049: _Entry(400, "invalid_instance", "Unknown or invalid instance.", has_uri=True),
    500011: _Entry(
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
        has_uri=True,
    ),
    1002012: _Entry(
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    70011: _Entry(
        400,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    70003: _Entry(
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant}'.",
    ),
    50173: _Entry(
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password.",
        suberror="bad_token",
        has_uri=True,
    ),
    50034: _Entry(
        400,
        "invalid_grant",
        "The user account does not exist in the {tenant} directory.",
        suberror="bad_token",
        has_uri=True,
    ),
    700082: _Entry(400, "invalid_grant", "The refresh token has expired due to inactivity."),
    9002313: _Entry(400, "invalid_grant", "Invalid request. Request is malformed or invalid.", has_uri=True),
    70043: _Entry(
        400,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        suberror="token_expired",
    ),
    65001: _Entry(
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{client_id}'. Send an "
        "interactive authorization request for this user and resource.",
        suberror="consent_required",
    ),
    50196: _Entry(
        400,
        "invalid_grant",
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
        has_uri=True,
    ),
    50076: _Entry(
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '{resource}'.",
        suberror="basic_action",
        has_uri=True,
    ),
    53003: _Entry(
        400,
        "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        suberror="message_only",
    ),
    70016: _Entry(
        400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
    ),
    # Microsoft documents only the OAuth names of the next three; the numbers are those of public logs.
    70018: _Entry(400, "bad_verification_code", "Invalid verification code due to user typing in wrong user code."),
    70020: _Entry(
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This code has expired.",
    ),
    65004: _Entry(400, "authorization_declined", "User declined to consent to access the app."),
    90033: _Entry(503, "temporarily_unavailable", "A transient error has occurred. Please try again.", has_uri=True),
}
# Not documented for Entra, but every client of the grant handles it (RFC 8628 §3.5); there is no number.
_UNNUMBERED = {"slow_down": _Entry(400, "slow_down", "The client polls too often.")}


class Refusal(Exception):
    """An answer that is a refusal; `body()` is its exact JSON."""

    def __init__(self, code: int, entry: _Entry, details: dict[str, str]) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.status = entry.status
        self.error = entry.error
        self._entry = entry
        self._details = details

    def body(self, now: float, correlation_id: str | None = None) -> dict[str, Any]:
        """The reply's fields; the ids are those of this answer and can be searched for.

        Args:
            now: Epoch seconds, for the timestamp.
            correlation_id: The client's own `client-request-id`, which the service takes over.
        """
        stamp = f"{datetime.fromtimestamp(now, timezone.utc):%Y-%m-%d %H:%M:%SZ}"
        trace_id, correlation_id = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
        text = self._entry.text.format_map(_Blanks(self._details))
        number = f"AADSTS{self.code}: " if self.code else ""
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": f"{number}{text} Trace ID: {trace_id} Correlation ID: {correlation_id} "
            f"Timestamp: {stamp}",
            "error_codes": [self.code] if self.code else [],
            "timestamp": stamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self._entry.has_uri:
            body["error_uri"] = _URI.format(code=self.code)
        if self._entry.suberror:
            body["suberror"] = self._entry.suberror
        if self.code == 53003:
            body["claims"] = '{"access_token":{"capolids":{"essential":true,"values":["' + trace_id + '"]}}}'
        return body


class _Blanks(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


def refusal_for(what: int | str, **details: str) -> Refusal:
    """The refusal with this AADSTS number (`7000215`, `"AADSTS7000215"`) or OAuth name (`"invalid_client"`).

    Raises:
        ValueError: Neither a known number nor a known name.
    """
    if isinstance(what, str) and what in _UNNUMBERED:
        return Refusal(0, _UNNUMBERED[what], details)
    number = str(what).upper().removeprefix("AADSTS")
    if number.isdigit():
        code = int(number)
        if code in _TABLE:
            return Refusal(code, _TABLE[code], details)
        raise ValueError(f"AADSTS{code} is not among the emulator's refusals: {sorted(_TABLE)}")
    for code, entry in _TABLE.items():
        if entry.error == what:
            return Refusal(code, entry, details)
    if what == "invalid_tenant":
        return Refusal(90002, _TABLE[90002]._replace(error="invalid_tenant"), details)
    raise ValueError(f"{what!r} is not an OAuth error of Entra's: {sorted({e.error for e in _TABLE.values()})}")
