"""A trusted provider's token becomes one of Entra: a single form, which msal is not loaded for.

msal and what it stands on are more than half of a pod's time to its first token, and half its memory.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.workers import importing
from .answers import to_token
from .claims import claims_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..request import TokenRequest
    from ..token import Token
    from .options import AuthorityOptions
    from .seen import Seen

__all__ = ["FederatedExchange"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class FederatedExchange:
    """Exchanges assertions of one application. Any number of threads may use it.

    Args:
        options: Where the authority is and how to get there.
        client_id: The application's id.
        who: The credential, for messages.
    """

    def __init__(self, options: AuthorityOptions, *, client_id: str, who: str) -> None:
        self._options = options
        self._client_id = client_id
        self._who = who
        self._post: Callable[[str, dict[str, str]], Seen] | None = None

    def token(self, request: TokenRequest, url: str, assertion: str) -> Token:
        """Exchange one.

        Args:
            request: What is wanted.
            url: The token endpoint of the authority.
            assertion: The provider's token.

        Raises:
            EntraTokensError: The authority refused, or gave no usable answer.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": " ".join(request.scopes),
        }
        claims = claims_of(request)
        if claims is not None:
            form["claims"] = claims
        if self._post is None:
            self._post = self._way()
        seen = self._post(url, form).granted(who=self._who, secrets=(assertion,))
        return to_token(seen.body, request.scopes, asked_at=seen.asked_at, who=self._who)

    def _way(self) -> Callable[[str, dict[str, str]], Seen]:
        if self._options.token_proxy is not None or self._options.proxy is None:
            with importing():
                from .direct import Direct
            return Direct(self._options, who=self._who).post
        with importing(loggers=True):
            from .http import AuthorityHttp
        return AuthorityHttp.of(self._options, who=self._who).post_form
