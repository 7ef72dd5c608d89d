"""AADSTS numbers with their OAuth names, statuses and texts.

Statuses, names and which of them carry `error_uri` or `suberror`: captures of the real service where there are any,
Microsoft's pages and public logs otherwise. The first entry of an OAuth name stands for that name.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TABLE", "UNNUMBERED", "Entry"]


class Entry(NamedTuple):
    status: int
    error: str
    text: str
    suberror: str | None = None
    has_uri: bool = False
    has_claims: bool = False


def _client(text: str) -> Entry:
    return Entry(401, "invalid_client", text, has_uri=True)


def _request(text: str) -> Entry:
    return Entry(400, "invalid_request", text, has_uri=True)


def _grant(text: str, suberror: str | None = None, *, has_uri: bool = False) -> Entry:
    return Entry(400, "invalid_grant", text, suberror, has_uri)


_KEYS = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id "
    "'{client_id}'."
)
_FEDERATED = (
    "No matching federated identity record found for presented assertion {part} '{value}'. Check your federated "
    "identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)
_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant. You {may} have sent your authentication request to the wrong tenant."
)
_WINDOW = "Current time: {now}, {what} valid from {nbf}, expiry time of {what} {exp}."

TABLE: dict[int, Entry] = {
    # The client and its credentials.
    7000215: _client(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client_id}'."
    ),
    7000218: _client("The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
    7000222: _client(
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds."
    ),
    700016: Entry(
        400,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. "
        + _INSTALLED.replace("{may}", "may"),
        has_uri=True,
    ),
    700038: Entry(400, "unauthorized_client", "{client_id} is not a valid application identifier."),
    7000114: Entry(
        400,
        "unauthorized_client",
        "Application '{client_id}' is not allowed to make application on-behalf-of calls.",
        has_uri=True,
    ),
    700025: _client("Client is public so neither 'client_assertion' nor 'client_secret' should be presented."),
    700027: _client(
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', " + _KEYS + "]"
    ),
    700024: _client(
        "Client assertion is not within its valid time range. " + _WINDOW.replace("{what}", "assertion") + " Review "
        "the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
    ),
    700021: _client("Client assertion application identifier doesn't match 'client_id' parameter."),
    700023: _client("Client assertion audience claim does not match Realm issuer."),
    50048: _client("Subject must match the issuer claim in the client assertion."),
    5002741: _client(
        "Number of audience values in the provided client credential exceed maximum allowed. {count} audience values "
        "provided, maximum allowed is 1."
    ),
    700211: _client(_FEDERATED.replace("{part}", "issuer")),
    700212: _client(_FEDERATED.replace("{part}", "audience")),
    700213: _client(_FEDERATED.replace("{part}", "subject")),
    70025: _client("The client '{client_id}'({name}) has no configured federated identity credentials."),
    70023: _client("The lifetime of the token of the external identity provider exceeds 25 hours, or it has no 'iat'."),
    700229: _client("The provided token is a user token; only app-only tokens can be used as a federated credential."),
    90061: _client("Request to External OIDC endpoint failed."),
    # The request.
    900144: _request("The request body must contain the following parameter: '{parameter}'."),
    50027: _request("JWT token is invalid or malformed."),
    70021: Entry(
        400, "invalid_request", "No matching federated identity record found for presented assertion.", has_uri=True
    ),
    90002: _request(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant."
    ),
    900023: _request(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
    ),
    50059: _request(
        "No tenant-identifying information found in either the request or implied by any provided credentials."
    ),
    9001023: _request(
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or "
        "tenant-specific endpoint."
    ),
    900561: _request("The endpoint only accepts POST requests. Received a {method} request."),
    901002: _request("The 'resource' request parameter is not supported."),
    700022: _request(
        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope "
        "{scope} is not valid."
    ),
    50011: _request(
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for "
        "the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your "
        "application in the Azure portal."
    ),
    50049: Entry(400, "invalid_instance", "Unknown or invalid instance.", has_uri=True),
    500011: Entry(
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. "
        + _INSTALLED.replace("{may}", "might"),
        has_uri=True,
    ),
    1002012: Entry(
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    70011: Entry(
        400,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    70003: Entry(400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
    700051: Entry(
        400, "unsupported_response_type", "response_type '{response_type}' is not enabled for the application."
    ),
    # Grants. The first stands for `invalid_grant`.
    50173: _grant(
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before "
        "which tokens are not valid) for this user is '{valid_from}'.",
        "bad_token",
        has_uri=True,
    ),
    50034: _grant(
        "The user account {{EUII Hidden}} does not exist in the {tenant} directory. To sign into this application, "
        "the account must be added to the directory.",
        "bad_token",
        has_uri=True,
    ),
    50126: _grant("Error validating credentials due to invalid username or password.", has_uri=True),
    700082: _grant(
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for "
        "90.00:00:00."
    ),
    70008: _grant(
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource."
    ),
    70000: _grant("Provided grant is invalid or malformed."),
    9002313: _grant("Invalid request. Request is malformed or invalid.", has_uri=True),
    70043: _grant(
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token "
        "was issued on {issued} and the maximum allowed lifetime for this request is {frequency}.",
        "token_expired",
    ),
    54005: _grant(
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh "
        "token."
    ),
    50148: _grant(
        "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE."
    ),
    501481: _grant("The Code_Verifier does not match the code_challenge supplied in the authorization request."),
    500112: _grant(
        "The reply address '{redirect_uri}' does not match the reply address '{expected_uri}' provided when requesting "
        "Authorization code."
    ),
    700005: _grant(
        "The provided Authorization Code is intended to be used against another tenant, thus rejected. OAuth2 "
        "Authorization Code must be redeemed against same tenant it was acquired for or with common tenant.",
        has_uri=True,
    ),
    50013: _grant("Assertion failed signature validation. [Reason - {reason}]", has_uri=True),
    500131: _grant(
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was "
        "'{audience}' and the expected audience is '{client_id}' or one of the Application Uris of this application "
        "with App ID '{client_id}'({name}). The downstream client must request a token for the expected audience (the "
        "application that made the OBO request) and this application should use that token as the assertion.",
        has_uri=True,
    ),
    500133: _grant(
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for "
        "user assertion, or request a new token. " + _WINDOW.replace("{what}", "assertion"),
        has_uri=True,
    ),
    65001: _grant(
        "The user or administrator has not consented to use the application with ID '{client_id}' named '{name}'. "
        "Send an interactive authorization request for this user and resource.",
        "consent_required",
    ),
    50196: _grant(
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
        has_uri=True,
    ),
    # A person is needed.
    50076: Entry(
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '{resource}'.",
        "basic_action",
        has_uri=True,
        has_claims=True,
    ),
    50079: Entry(
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "enroll in multi-factor authentication to access '{resource}'.",
        "basic_action",
        has_uri=True,
        has_claims=True,
    ),
    53003: Entry(
        400,
        "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "message_only",
        has_claims=True,
    ),
    50058: Entry(400, "login_required", "A silent sign-in request was sent but no user is signed in."),
    # Device codes. Microsoft documents only the OAuth names of all but the first; the numbers are those of public logs.
    70016: Entry(
        400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
    ),
    70018: Entry(400, "bad_verification_code", "Invalid verification code due to user typing in wrong user code."),
    70020: Entry(
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This code has expired.",
    ),
    65004: Entry(400, "authorization_declined", "User declined to consent to access the app."),
    # The service itself.
    90033: Entry(503, "temporarily_unavailable", "A transient error has occurred. Please try again.", has_uri=True),
}
# Not documented for Entra, but every client of the grant handles it (RFC 8628 §3.5); there is no number.
UNNUMBERED = {"slow_down": Entry(400, "slow_down", "The client polls too often.")}
