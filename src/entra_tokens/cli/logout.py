"""`entra-tokens logout`."""

from __future__ import annotations

import json

import click

from . import talk
from .credential import store_of
from .signed_in import accounts_as_json

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  entra-tokens logout
  entra-tokens logout ada@contoso.com
  entra-tokens logout --all
"""


@click.command("logout", epilog=_EXAMPLES)
@click.argument("account", required=False)
@click.option("--all", "everybody", is_flag=True, help="Everybody who is signed in here.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout: who was signed out.")
def command(account: str | None, everybody: bool, as_json: bool) -> None:
    """Forget who is signed in here: ACCOUNT, a user name, or the one there is.

    The sign-in and the stored tokens of its application are removed from this machine. Tokens that were printed live
    on until they expire, and the sign-in stays valid at the authority: revoke it there if it may have been stolen.
    """
    if account and everybody:
        raise click.UsageError("ACCOUNT or --all: give one of them.")
    store = store_of()
    names = sorted({found.username or "" for found in store.accounts()})
    if not account and not everybody and len(names) > 1:
        raise click.UsageError(f"Several are signed in: {', '.join(names)}. Name one, or give --all.")
    gone = store.forget(account)
    if as_json:
        talk.result(json.dumps(accounts_as_json(gone)))
    for each in gone:
        who = talk.one_line(each.username or "somebody")
        talk.say(f"Signed out {who} (tenant {each.tenant_id}, application {each.client_id}).")
    if not gone:
        if account:
            talk.say(f"{talk.one_line(account)} is not signed in here. 'entra-tokens accounts' lists who is.")
        else:
            talk.say("Nobody is signed in here.")
