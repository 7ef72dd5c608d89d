"""The options that every command has that gets a token, as one decorator."""

from __future__ import annotations

import shlex
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ..errors import ConfigurationError, InteractionRequired
from .exits import SignInNeeded
from .settings import CREDENTIALS, flag_of, resolve
from .spans import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .settings import Settings

__all__ = ["Flags", "common", "common_flags", "profile_names", "sign_in_command", "span"]

F = TypeVar("F", bound="Callable[..., Any]")


def span(text: str) -> float:
    """The type of an option that takes a span of time, in seconds."""
    try:
        return seconds_of(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no span of time; write 90s, 10m or 1h30m.") from None


def profile_names(_context: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """The profiles that a shell may complete to."""
    from .profiles import read_profiles

    try:
        return sorted(name for name in read_profiles() if name.startswith(begun))
    except ConfigurationError:
        return []


_SCOPE = click.option("--scope", metavar="SCOPE", multiple=True, help="What the token is for, as api://APP/.default.")
_CREDENTIAL = partial(
    click.option, "--credential", metavar="NAME", type=click.Choice(CREDENTIALS, case_sensitive=False)
)
_OPTIONS = (
    click.option("--tenant", metavar="TENANT", help="The tenant: its id or one of its domains."),
    click.option("--client-id", metavar="ID", help="The application's (client) id."),
    click.option("--authority", metavar="URL", help="The token service, as https://login.microsoftonline.com."),
    click.option("--ca", metavar="FILE", help="Certificates to trust (PEM)."),
    click.option(
        "--profile", metavar="PROFILE", shell_complete=profile_names, help="The profile whose settings to use."
    ),
)
_JSON = partial(click.option, "--json", "as_json", is_flag=True, help="JSON on stdout.")


class Flags(NamedTuple):
    """What was given on the command line, by the names of `settings.FIELDS`, and `profile`."""

    values: dict[str, str | None]
    as_json: bool

    def settled(self, *, new_profile: bool = False) -> Settings:
        """The settings with these flags, as `resolve()` has them."""
        return resolve(self.values, as_json=self.as_json, new_profile=new_profile)


def common_flags(function: F, *, json: bool = True, credentials: Sequence[str] = CREDENTIALS) -> F:
    """Add the common options to a command; it is given them as `flags`, a `Flags`.

    Args:
        function: The command's.
        json: Whether its help shows `--json`; it is taken all the same, to be refused with a reason.
        credentials: Those that its help shows, likewise.
    """

    def with_flags(**given: Any) -> Any:
        values = {name: given.pop(name) for name in ("credential", "tenant", "client_id", "authority", "ca", "profile")}
        values["scope"] = " ".join(given.pop("scope")) or None
        return function(flags=Flags(values, given.pop("as_json")), **given)

    wrapped: Any = update_wrapper(with_flags, function)
    credential = _CREDENTIAL(help=f"Where it comes from: {', '.join(credentials)}.")
    for option in (_JSON(hidden=not json), *reversed(_OPTIONS), credential, _SCOPE):
        option(wrapped)
    result: F = wrapped
    return result


def common(function: F, *, json: bool = True) -> F:
    """Add the common options to a command; it is given what they settle as `settings`, a `Settings`.

    Args:
        function: The command's.
        json: As `common_flags` has it.
    """

    def with_settings(flags: Flags, **given: Any) -> Any:
        settings = flags.settled()
        try:
            return function(settings=settings, **given)
        except InteractionRequired as error:
            # Without a word of the authority it is the library's, which speaks to programmers.
            why = error.message if error.error or error.codes else "nobody is signed in here for this."
            raise SignInNeeded(why, sign_in_command(settings)) from error

    wrapped: Any = update_wrapper(with_settings, function)
    result: F = common_flags(wrapped, json=json)
    return result


def sign_in_command(settings: Settings) -> str:
    """What to type to sign in with these settings: what was a flag is a flag again."""
    given = {name: each for name, each in {"profile": settings.profile, **settings.fields}.items() if each.value}
    browser = given.pop("credential").value == "browser"
    flags = [
        f"{flag_of(name)} {shlex.quote(each.value or '')}"
        for name, each in given.items()
        if each.source.startswith("--")
    ]
    if "scope" in given and given["scope"].source.startswith("--") and settings.fields["credential"].is_kept:
        flags.append("--no-save")  # the profile is for another scope, and the sign-in is good for both
    return " ".join(["entra-tokens login", *(["--browser"] if browser else []), *flags])
