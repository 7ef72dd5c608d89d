"""`entra-tokens token`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..errors import InteractionRequired
from . import talk
from .credential import credential_of, provider_of
from .elsewhere import waited
from .forms import FORMS, written
from .options import common, span
from .spans import in_words
from .stored import handed_out, is_good, look

if TYPE_CHECKING:
    from ..provider import TokenProvider
    from ..token import Token
    from .settings import Settings

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  entra-tokens token
  entra-tokens token --scope api://APP/.default --min-ttl 10m
  curl -H "$(entra-tokens token --format header)" https://h2ogpte.example.com/api/v1/...
  eval "$(entra-tokens token --format env)"
  kubectl config set-credentials me --exec-api-version=client.authentication.k8s.io/v1 \\
    --exec-command=entra-tokens --exec-arg=token --exec-arg=--format=k8s
"""


@click.command("token", epilog=_EXAMPLES)
@click.option("--min-ttl", type=span, metavar="TIME", help="Life that it must have left: 90s, 10m, 1h. Default: 5m.")
@click.option(
    "--format",
    "form",
    metavar="FORM",
    type=click.Choice(list(FORMS)),
    help=f"How to print it: {', '.join(FORMS)}. Default: token.",
)
@click.option("--claims", metavar="CLAIMS", help="A claims challenge to satisfy: JSON, base64, or the whole header.")
@common
def command(settings: Settings, min_ttl: float | None, form: str | None, claims: str | None) -> None:
    """Print a token; no request while a stored one is good.

    A stored token is used while at least --min-ttl of its life is left. It is renewed then; where that fails, the
    stored one is printed for as long as it lives. Nobody is asked to sign in: exit status 5 says that somebody has to.
    """
    if form is not None and settings.as_json and form != "json":
        raise click.UsageError("--json is --format json: give one of them.")
    token = _challenged(settings, claims) if claims else _token(settings, min_ttl)
    talk.result(written(token, form or ("json" if settings.as_json else "token")))


def _token(settings: Settings, min_ttl: float | None) -> Token:
    stored = look(settings)
    if stored is not None and is_good(stored, min_ttl):
        return handed_out(stored)
    with provider_of(settings) as provider:
        try:
            token = provider.token()
        except InteractionRequired:
            if not waited(credential_of(settings)):
                raise
            provider.invalidate()  # the failure is not remembered any more
            token = provider.token()
        if stored is not None and token == stored.token:
            token = _renewed(provider, token)
    if min_ttl is not None:
        _note_if_short(token, min_ttl)
    return token


def _renewed(provider: TokenProvider, token: Token) -> Token:
    """A new one; where that cannot be had, the one that is still good."""
    provider.invalidate(token)
    renewed = provider.token()
    error = provider.status().last_error
    if renewed == token and error:
        talk.error(f"the stored token is used; it could not be renewed: {error}")
    return renewed


def _note_if_short(token: Token, min_ttl: float) -> None:
    from ..engine.clock import SYSTEM_CLOCK

    left = token.expires_on - SYSTEM_CLOCK.wall()
    if left < min_ttl:
        talk.error(f"the authority gives no token that lasts {in_words(min_ttl)}; this one has {in_words(left)} left.")


def _challenged(settings: Settings, claims: str) -> Token:
    from ..token import Token

    options: Any = {"claims": _json_of(claims)}
    with provider_of(settings) as provider:
        info = provider.get_token_info(options=options)
    scopes = settings.needed_scope().split()
    return Token(info.token, expires_on=info.expires_on, refresh_on=info.refresh_on, scopes=scopes)


def _json_of(claims: str) -> str:
    """The JSON of a challenge, however it was copied."""
    import base64
    import json

    from ..challenge import claims_from_challenge

    found = claims_from_challenge(claims)
    if found is not None:
        return found
    text = claims
    with suppress(ValueError):
        text = base64.b64decode(claims + "=" * (-len(claims) % 4), altchars=b"-_", validate=True).decode()
    with suppress(ValueError, RecursionError):
        if isinstance(json.loads(text), dict):
            return text
    raise click.UsageError("--claims takes JSON, its base64, or the WWW-Authenticate header that holds it.")
