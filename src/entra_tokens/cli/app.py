"""The command line: its subcommands, each imported when it is asked for, and how every run of it ends."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from . import talk
from .exits import DEFECT, INTERRUPTED, USAGE, ending

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "run"]

NAME = "entra-tokens"

# name: (module of this package, whose `command` it is; its line in --help, so that --help imports none of them)
COMMANDS: dict[str, tuple[str, str]] = {
    "login": ("login", "Sign in, with a code or in the browser."),
    "logout": ("logout", "Forget who is signed in here."),
    "accounts": ("accounts", "List who is signed in here."),
    "whoami": ("whoami", "Show whose tokens this machine gets."),
    "token": ("token", "Print a token; no request while a stored one is good."),
    "inspect": ("inspect", "Read a token: whose, for what, how long; offline."),
    "explain": ("explain", "Explain an error, offline."),
    "config": ("config", "Show each setting and where it came from."),
    "doctor": ("doctor", "Find out what works here, and why the rest does not."),
    "exec": ("exec", "Run a command with a token, or with an endpoint that renews."),
    "serve": ("serve", "Serve tokens to local programs, as a managed identity."),
    "watch": ("watch", "Watch what is held and when it renews."),
    "emulator": ("emulator", "Run a local Entra, for tests and demos."),
    "demo": ("demo", "Watch the whole job against the emulator."),
    "completion": ("completion", "Print the completion script of a shell."),
}

_EXAMPLES = """\
\b
Begin with:
  entra-tokens login --tenant TENANT --client-id ID --scope api://APP/.default
  entra-tokens token
  entra-tokens doctor
"""


class Commands(click.Group):
    """The group, which imports a subcommand's module when it is called or asked for its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{__package__}.{COMMANDS[cmd_name][0]}"
        try:
            found: click.Command = import_module(module).command
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise click.UsageError(f"{cmd_name!r} is not part of this installation.", ctx) from None
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from .. import __version__

        talk.result(f"{NAME} {__version__}")
        ctx.exit()


group: click.Group = Commands(
    NAME,
    help="Tokens of Microsoft Entra ID, from whatever this place offers.\n\n" + _EXAMPLES,
    epilog=f"'{NAME} COMMAND --help' shows a command's options and examples.",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
        )
    ],
    no_args_is_help=False,
    invoke_without_command=True,
    callback=lambda: None,
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status.

    Whatever goes wrong ends in one line for a person on stderr and a status, never in a traceback.

    Args:
        arguments: Those after the command's name; None: the process's own.
    """
    talk.prepare()
    talk.take_log()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given and not talk.completing():
        given = ["--help"]  # on stdout and with status 0, as `git` and `gh` do
    try:
        status = group.main(
            given,
            prog_name=NAME,
            standalone_mode=False,
            terminal_width=talk.width(),  # click's own is 50 to 80
        )
        talk.finish()
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, click.Abort):
        talk.interrupted()
        return INTERRUPTED
    except talk.Unread as error:
        return talk.nobody_reads(error)
    except click.ClickException as error:
        return _misused(error)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else DEFECT
    except Exception as error:
        status, text = ending(error)
        talk.error(text)
        return status


def _misused(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = NAME if context is None else context.command_path
    what = error.format_message().replace("\n\t", " ").rstrip(".")  # click lists choices below each other
    talk.error(f"{what}.\nType '{path} --help' for what there is.")
    return USAGE
