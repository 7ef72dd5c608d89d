"""`entra-tokens config`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigurationError
from . import talk
from .options import Flags, common_flags, profile_names
from .profile_file import change_profile
from .profiles import config_file, read_profiles
from .settings import CREDENTIALS, DEFAULT_PROFILE, FIELDS

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  entra-tokens config
  entra-tokens config set scope api://APP/.default
  entra-tokens config set --profile work tenant contoso.com
  entra-tokens config unset --profile work tenant
\b
A profile is used with --profile NAME or ENTRA_TOKENS_PROFILE=NAME,
the one called 'default' without either. The file is TOML and may be edited:
  [profiles.work]
  credential = "device-code"
  tenant = "contoso.com"
"""
_NAMES = ", ".join(FIELDS)


@click.group("config", invoke_without_command=True, epilog=_EXAMPLES)
@common_flags
@click.pass_context
def command(context: click.Context, flags: Flags) -> None:
    """Show each setting and where it came from.

    A flag wins over a variable, a variable over the profile.
    """
    if context.invoked_subcommand is not None:
        if any(flags.values.values()) or flags.as_json:
            raise click.UsageError(f"Options of 'config {context.invoked_subcommand}' stand after it.")
        return
    settings = flags.settled()
    if settings.as_json:
        _as_json(settings)
        return
    rows = [("profile", settings.profile), *settings.fields.items()]
    width = max(len(each.value or "") for _, each in rows)
    source_below = talk.is_terminal(sys.stdout) and talk.width() < width + 32
    for name, each in rows:
        value, source = talk.one_line(each.value or "-"), each.source or "not set"
        if source_below:
            talk.result(f"{name}: {value}\n    {source}")
        else:
            talk.result(f"{name:<10}  {value:<{width}}  {source}")
    file = config_file()
    talk.say()
    if file is None:
        talk.say("This user has no home folder; set ENTRA_TOKENS_HOME to have a file for profiles.")
        return
    profiles = read_profiles()
    there = (
        f"has the profiles {talk.one_line(', '.join(sorted(profiles)))}"
        if profiles
        else "does not exist yet, or has no profile"
    )
    talk.say(f"{file} {there}.\nTo change one, type: entra-tokens config set [--profile NAME] SETTING VALUE")


def _as_json(settings: Settings) -> None:
    fields = {name: each.as_dict() for name, each in settings.fields.items()}
    file = config_file()
    talk.result(
        json.dumps(
            {
                "file": file,
                "profile": settings.profile.as_dict(),
                "profiles": sorted(read_profiles()),
                "settings": fields,
            }
        )
    )


_profile = click.option(
    "--profile",
    metavar="PROFILE",
    default=DEFAULT_PROFILE,
    envvar="ENTRA_TOKENS_PROFILE",
    shell_complete=profile_names,
    help="Which profile.",
)


if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # no generic class before click 8.2


class _Setting(_Choice):
    """A setting by its name in the file, or as its flag is written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).replace("-", "_"), param, ctx)


@command.command(
    "set",
    short_help="Set a setting in a profile.",
    help=f"Set SETTING in a profile: one of {_NAMES}.",
    epilog="\b\nExample:\n  entra-tokens config set --profile work tenant contoso.com",
)
@_profile
@click.argument("setting", metavar="SETTING", type=_Setting(list(FIELDS)))
@click.argument("value")
def _set(profile: str, setting: str, value: str) -> None:
    if setting == "credential" and value not in CREDENTIALS:
        raise ConfigurationError(f"{value!r} is not a credential. There are: {', '.join(CREDENTIALS)}.")
    file = change_profile(profile, {setting: value})
    talk.say(f"The profile {profile!r} has {setting} = {value!r} now; it is in {file}.")


@command.command(
    "unset",
    short_help="Take a setting out of a profile.",
    help=f"Take SETTING out of a profile: one of {_NAMES}.",
    epilog="\b\nExample:\n  entra-tokens config unset --profile work tenant",
)
@_profile
@click.argument("setting", metavar="SETTING", type=_Setting(list(FIELDS)))
def _unset(profile: str, setting: str) -> None:
    if setting not in read_profiles().get(profile, {}):
        talk.say(f"The profile {profile!r} has no {setting}.")
        return
    file = change_profile(profile, {setting: None})
    talk.say(f"The profile {profile!r} has no {setting} any more; it is in {file}.")
