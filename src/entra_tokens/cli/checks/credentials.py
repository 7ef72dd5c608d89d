"""Each credential that there is: whether it gets a token here, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.clock import SYSTEM_CLOCK
from ...errors import ConfigurationError, CredentialUnavailable, EntraTokensError, InteractionRequired
from .. import claims, talk
from ..credential import credential_of
from ..exits import NO_CREDENTIAL, ending
from ..plainly import without_name
from ..settings import CREDENTIALS, Setting
from ..spans import in_words
from .examine import Check
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...token import Token
    from ..settings import Settings

__all__ = ["credential_checks"]

GROUP = "Credentials"
_PEOPLES = ("device-code", "browser")
_LOGIN = "entra-tokens login"


def credential_checks(
    settings: Settings, scope: str, seconds: float, works: Callable[[str, Token], None]
) -> list[Check]:
    """A check for each credential by itself, `default` (several of them, in turn) left out.

    Args:
        settings: Of this run.
        scope: What to ask a token for.
        seconds: How long a credential may take.
        works: Called with the name and the token of each that works; on whatever thread.
    """

    return [_check(settings, name, scope, seconds, works) for name in CREDENTIALS if name != "default"]


def _check(settings: Settings, name: str, scope: str, seconds: float, works: Callable[[str, Token], None]) -> Check:
    """Made here, on the caller's thread: what is imported for it must not count as its time."""
    from ...provider import TokenProvider

    named = name == settings.credential
    fields = {**settings.fields, "credential": Setting(name, "--credential")}
    try:
        provider = TokenProvider(credential_of(settings.replaced(fields=fields)), scope)
    except ConfigurationError as error:
        found = Finding(name, "fail" if named else "absent", _first(error), status=ending(error)[0])
        return Check(GROUP, name, lambda: [found])

    def look() -> Sequence[Finding]:
        try:
            token = provider.token(timeout=seconds)
        except EntraTokensError as error:
            return [_failed(name, error, named)]
        works(name, token)
        return [Finding(name, "ok", _described(token))]

    return Check(GROUP, name, look, timed=True)


def _failed(name: str, error: EntraTokensError, named: bool) -> Finding:
    status = ending(error)[0]
    if isinstance(error, InteractionRequired) and name in _PEOPLES:
        option = " --browser" if name == "browser" else ""
        # Without a word of the authority it is the library's, which speaks to programmers.
        what = _first(error) if error.error or error.codes else "nobody is signed in here"
        return Finding(name, "fail" if named else "absent", what, f"{_LOGIN}{option}", status=status)
    # AZURE_CLIENT_ID may mean somebody else: Default passes over a host without that identity.
    nobodys = getattr(error, "error", None) == "identity_not_found" and not named
    if isinstance(error, CredentialUnavailable) or nobodys:
        status = NO_CREDENTIAL
        return Finding(name, "fail" if named else "absent", _first(error), status=status)
    return Finding(name, "fail", without_name(error.message), _more(error), status=status)


def _described(token: Token) -> str:
    try:
        found = token.claims()
    except ValueError:  # opaque: nobody but its resource can read it
        found = {}
    application = claims.application(found)
    who = talk.one_line(claims.user(found) or (f"application {application}" if application else "someone"))
    return f"a token of {who}, good for {in_words(token.expires_on - SYSTEM_CLOCK.wall())}"


def _first(error: EntraTokensError) -> str:
    """What is merely not there needs no more than a sentence."""
    sentence, mark, _ = without_name(error.message).partition(". ")
    return sentence + mark.strip()


def _more(error: EntraTokensError) -> str | None:
    codes = getattr(error, "codes", ())
    return f"entra-tokens explain AADSTS{codes[0]}" if codes else None
