"""`entra-tokens emulator`."""

from __future__ import annotations

import click

from .exits import missing_extra

__all__ = ["command"]

_EXAMPLES = """
Examples:
  entra-tokens emulator
  entra-tokens emulator --lifetime 60 --port 8443
  entra-tokens emulator --place imds
"""


@click.command(
    "emulator",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.pass_context
def command(context: click.Context) -> int:
    """Run a local Entra, managed-identity hosts and an h2oGPTe front, until Ctrl-C."""
    try:
        from ..emulator.__main__ import main
    except ModuleNotFoundError as error:
        raise missing_extra(error, "emulator") from None
    return main(context.args, prog="entra-tokens emulator", examples=_EXAMPLES)
