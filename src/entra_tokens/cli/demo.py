"""`entra-tokens demo`."""

from __future__ import annotations

import click

from .exits import missing_extra

__all__ = ["command"]


@click.command("demo", epilog="\b\nExample:\n  entra-tokens demo")
def command() -> int:
    """Watch the whole job against the emulator.

    Real h2oGPTe clients call a server for most of a minute, while their tokens are renewed every few seconds and the
    authority refuses now and then. It needs no network; exit status 0 says that no call failed.
    """
    try:
        from ..emulator.demo.__main__ import main
    except ModuleNotFoundError as error:
        extra = "h2ogpte,emulator" if (error.name or "").startswith("h2ogpte") else "emulator"
        raise missing_extra(error, extra) from None
    return main()
