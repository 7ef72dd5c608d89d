"""`entra-tokens login`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import click

from ..errors import ConfigurationError, CredentialUnavailable, EntraTokensError, InteractionRequired
from ..provider import TokenProvider
from . import talk
from .credential import asking, store_of
from .exits import SignInNeeded
from .files import checked_ca
from .options import Flags, common_flags, sign_in_command
from .profile_file import change_profile
from .sign_in_screen import SignInScreen
from .signed_in import account_of, accounts_as_json
from .spans import in_words

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["command"]

# With no scope of its own a sign-in is for nothing but knowing who it is; tokens come later, silently.
_ONLY_WHO = "openid"

_NO_BROWSER = (
    "There is no browser here to sign in with. Type: entra-tokens login --credential device-code\n"
    "That needs none on this machine."
)

_EXAMPLES = """\b
Examples:
  entra-tokens login --tenant contoso.com --client-id ID --scope api://APP/.default
  entra-tokens login --browser
  entra-tokens login --profile work --tenant contoso.com --client-id ID
"""


@click.command("login", epilog=_EXAMPLES)
@click.option("--browser", is_flag=True, help="In the browser of this machine, instead of with a code.")
@click.option("--no-save", is_flag=True, help="Leave the profile as it is.")
@partial(common_flags, credentials=("device-code", "browser"))
def command(flags: Flags, browser: bool, no_save: bool) -> None:
    """Sign in, with a code or in the browser.

    The sign-in is kept in sealed files, so that every program of yours on this machine can use it, until 'logout'.
    Tenant, application, scope and the way to sign in are remembered in the profile: next time 'login' is enough.
    """
    settings = _settings(flags, browser)
    scope = settings.scope or _ONLY_WHO
    with SignInScreen() as screen:
        credential = asking(settings, screen)
        # It gives its store to what login() goes through: so the token of this sign-in is kept for 'token'.
        with TokenProvider(credential, scope, store=store_of()):
            try:
                token = credential.login(scope, on_wait=screen.show_wait)
            except CredentialUnavailable:
                raise CredentialUnavailable(_NO_BROWSER) from None
            except InteractionRequired as error:  # declined, or out of time
                raise SignInNeeded(error.message, sign_in_command(settings)) from error
    account = account_of(settings)
    if settings.as_json:
        facts = accounts_as_json([] if account is None else [account])
        talk.result(json.dumps({**(facts[0] if facts else {}), "expires_on": int(token.expires_on)}))
    name = account.username if account is not None and account.username else "somebody"
    talk.say(f"Signed in as {name}, tenant {settings.tenant or 'organizations'}.")
    if not no_save:
        _save(settings)
    if settings.scope:
        talk.say(f"The token is good for {in_words(_left(token.expires_on))}. Next: entra-tokens token")
    else:
        talk.say("Next: entra-tokens token --scope api://APP/.default")


def _settings(flags: Flags, browser: bool) -> Settings:
    chosen = flags.values["credential"]
    if chosen not in (None, "device-code", "browser"):
        raise click.UsageError(f"login signs a person in; --credential {chosen} needs none. Leave it out.")
    if browser and chosen == "device-code":
        raise click.UsageError("--browser and --credential device-code are two ways: give one of them.")
    settings = flags.settled(new_profile=True)
    way = "browser" if browser or settings.credential == "browser" else "device-code"
    settings = Flags({**flags.values, "credential": way}, flags.as_json).settled(new_profile=True)
    if not settings.client_id:
        raise ConfigurationError(
            "Which application do you sign in to? Add --client-id ID (and --tenant TENANT): the id of an application "
            "for people ('Allow public client flows'), which whoever runs your service can tell. It is remembered."
        )
    checked_ca(settings.fields["ca"])
    return settings


def _save(settings: Settings) -> None:
    """Remember in the profile what this sign-in was made with."""
    used = {name: settings.fields[name] for name in ("credential", "tenant", "client_id", "scope")}
    # These two are often the machine's, and then not the profile's business.
    used |= {name: settings.fields[name] for name in ("authority", "ca") if settings.fields[name].is_given}
    changes = {name: each.value for name, each in used.items() if each.value}
    profile = settings.profile.value or ""
    try:
        file = change_profile(profile, changes)
    except EntraTokensError as error:
        talk.error(f"the profile {profile!r} is not saved: {error}")
        return
    talk.say(f"Remembered in the profile {profile!r} of {file}.")


def _left(expires_on: float) -> float:
    from ..engine.clock import SYSTEM_CLOCK

    return expires_on - SYSTEM_CLOCK.wall()
