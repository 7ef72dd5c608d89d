"""Asks a CI service for the token that says which workflow this is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..engine.workers import importing
from ..errors import AuthenticationFailed, AuthorityUnavailable, ConfigurationError, InvalidCredential
from .options import AuthorityOptions
from .redact import redact

if TYPE_CHECKING:
    from .http import AuthorityHttp
    from .seen import Seen
    from .verify import Verify

__all__ = ["CiService", "exchange_audience"]

_ANCHOR = "pipelines"

_LONGEST = 300  # characters of the service's own text in a message
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_AUDIENCES = {
    "https://login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "https://login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
}


def exchange_audience(authority: str) -> str:
    """Whom a token must be for that is exchanged at this authority."""
    return _AUDIENCES.get(authority, "api://AzureADTokenExchange")


class CiService(NamedTuple):
    """A CI service as a job sees it. Any thread may ask.

    Args:
        url: Where it gives out tokens, the query included.
        options: How to get there.
        remedy: What to do when it refuses.
    """

    url: str
    options: AuthorityOptions
    remedy: str

    @classmethod
    def at(
        cls, url: str, *, variable: str, remedy: str, verify: Verify, proxy: str | None, timeout: float
    ) -> CiService:
        """Check an address from the environment.

        Raises:
            ConfigurationError: It is not https, or malformed. It is not repeated.
        """
        try:
            parts = urlsplit(url)
            right = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and url.isprintable()
            right = right and url.isascii() and " " not in url and parts.port != 0 and not parts.fragment
        except ValueError:
            right = False
        if not right:
            raise ConfigurationError(f"{variable} does not hold an https address; the access token is not sent to it.")
        origin = f"https://{parts.netloc}"  # pyright: ignore[reportPossiblyUnboundVariable] # it is bound where it is right
        return cls(url, AuthorityOptions.settled(origin, verify, proxy, timeout), remedy)

    def token(
        self,
        field: str,
        access_token: str,
        *,
        query: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        who: str,
    ) -> str:
        """Ask for a token.

        Args:
            field: Where the answer has it.
            access_token: The job's own.
            query: What to add to the service's address.
            method: GET or POST.
            headers: More of them.
            who: The credential, for messages.

        Raises:
            InvalidCredential: It does not take the job's access token, or answers with a sign-in page.
            AuthenticationFailed: It refused for another reason.
            AuthorityUnavailable: No usable answer came.
        """
        url = f"{self.url}{'&' if '?' in self.url else '?'}{query}"
        seen = self._asked(url, {**(headers or {}), "Authorization": f"Bearer {access_token}"}, method, who)
        token = seen.body.get(field)
        if seen.status < 400 and isinstance(token, str) and token.isascii() and token.strip():
            return token
        said = seen.body.get("message") or seen.body.get("error_description")
        words = f": {redact(said, access_token)[:_LONGEST]}" if isinstance(said, str) and said else ""
        kind = InvalidCredential if seen.status in (401, 403) else AuthenticationFailed
        if seen.status < 400:
            raise AuthorityUnavailable(
                f"{who}: the CI service's answer holds no token. {self.remedy}", status=seen.status, anchor=_ANCHOR
            )
        raise kind(
            f"{who}: the CI service answered HTTP {seen.status}{words}. {self.remedy}", hint=self.remedy, anchor=_ANCHOR
        )

    def _asked(self, url: str, headers: dict[str, str], method: str, who: str) -> Seen:
        http = self._http(who)
        status: int | None = None
        with http.session():
            try:
                if method == "POST":
                    http.post(url, headers=headers)
                else:
                    http.get(url, headers=headers)
                if http.seen is not None:
                    return http.seen
            except AuthorityUnavailable as error:
                status = error.status
                if status is None or status >= 500 or status == 429:
                    raise
        # Whoever has no good access token is sent to the sign-in page (302, 203), which is no JSON in any case.
        raise InvalidCredential(
            f"{who}: the CI service answered HTTP {status} with no token, as it does to a job without a good "
            f"access token. {self.remedy}",
            hint=self.remedy,
            anchor=_ANCHOR,
        )

    def _http(self, who: str) -> AuthorityHttp:
        with importing(loggers=True):
            from .http import AuthorityHttp

        return AuthorityHttp.of(self.options, who=who)

    def __repr__(self) -> str:
        return f"<CI service at {self.options.authority}>"
