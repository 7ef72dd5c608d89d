"""`entra-tokens accounts`."""

from __future__ import annotations

import json

import click

from ..engine.clock import SYSTEM_CLOCK
from . import talk
from .credential import store_of
from .signed_in import accounts_as_json
from .spans import in_words

__all__ = ["command"]


@click.command("accounts", epilog="\b\nExamples:\n  entra-tokens accounts\n  entra-tokens accounts --json")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def command(as_json: bool) -> None:
    """List who is signed in here, whoever signed in last first."""
    accounts = store_of().accounts()
    if as_json:
        talk.result(json.dumps(accounts_as_json(accounts)))
    elif not accounts:
        talk.say("Nobody is signed in here. Type: entra-tokens login")
    now = SYSTEM_CLOCK.wall()
    for account in () if as_json else accounts:
        talk.result(talk.one_line(account.username or "(name unknown)"))
        talk.result(f"    tenant: {account.tenant_id}")
        talk.result(f"    application: {account.client_id}")
        talk.result(f"    at {account.authority}, signed in {in_words(now - account.signed_in)} ago")
