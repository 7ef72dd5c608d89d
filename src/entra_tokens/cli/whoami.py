"""`entra-tokens whoami`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..errors import InteractionRequired
from . import claims, talk
from .credential import provider_of, store_of
from .options import common
from .signed_in import account_of
from .stored import is_good, look

if TYPE_CHECKING:
    from ..token import Token
    from .settings import Settings

__all__ = ["command"]

# Every tenant has it, and whoever may ask for any token may ask for this one.
_SOME_SCOPE = "https://graph.microsoft.com/.default"


@click.command(
    "whoami", epilog="\b\nExamples:\n  entra-tokens whoami\n  entra-tokens whoami --credential azure-cli --json"
)
@common
def command(settings: Settings) -> None:
    """Show whose tokens this machine gets, with these settings."""
    facts = _signed_in(settings) if settings.credential in ("device-code", "browser") else _of_token(settings)
    if settings.as_json:
        talk.result(json.dumps({"credential": settings.credential, **facts}))
        return
    name = facts.get("username") or facts.get("name")
    if not name:
        name = f"application {facts['client_id']}" if facts["client_id"] else "(the token does not say)"
    talk.result(talk.one_line(name))
    for label, key in (("tenant", "tenant_id"), ("application", "client_id"), ("object id", "object_id")):
        if facts.get(key):
            talk.result(f"    {label}: {talk.one_line(facts[key])}")
    talk.result(f"    credential: {settings.credential} ({settings.fields['credential'].source})")


def _signed_in(settings: Settings) -> dict[str, Any]:
    account = account_of(settings)
    if account is None:
        raise InteractionRequired
    return {"username": account.username, "tenant_id": account.tenant_id, "client_id": account.client_id}


def _of_token(settings: Settings) -> dict[str, Any]:
    found = _claims(_token(settings))
    return {
        "username": claims.user(found),
        "name": claims.text_of(found, "name", "app_displayname"),
        "tenant_id": claims.text_of(found, "tid"),
        "client_id": claims.application(found),
        "object_id": claims.text_of(found, "oid"),
    }


def _token(settings: Settings) -> Token:
    if settings.scope:
        stored = look(settings)
        if stored is not None and is_good(stored):
            return stored.token
    store = store_of()
    kept = {} if store.path is None or store.path.exists() else {"store": None}  # a question makes no store
    with provider_of(settings, scope=settings.scope or _SOME_SCOPE, **kept) as provider:
        return provider.token()


def _claims(token: Token) -> dict[str, Any]:
    try:
        return token.claims()
    except ValueError:  # opaque: nobody but its resource can read it
        return {}
