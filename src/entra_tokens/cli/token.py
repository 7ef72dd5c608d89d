"""`entra-tokens token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import talk
from .credential import provider_of
from .options import common

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["command"]


@click.command("token")
@common
def command(settings: Settings) -> None:
    """Print a token; no request while a stored one is good."""
    with provider_of(settings) as provider:
        talk.result(str(provider.token()))
