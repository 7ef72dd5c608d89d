"""`entra-tokens exec`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from .. import environment
from . import talk
from .child import become, run
from .child_environ import led_to, with_token
from .credential import provider_of
from .endpoint import endpoint_of
from .options import common

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["command"]

_EXAMPLES = """\b
Examples:
  entra-tokens exec --scope api://APP/.default -- python job.py
  entra-tokens exec --serve -- python long_job.py
  entra-tokens exec --serve --any-scope -- node app.js
"""


@click.command("exec", context_settings={"allow_interspersed_args": False}, epilog=_EXAMPLES)
@click.option("--serve", is_flag=True, help="An endpoint that renews, instead of one token.")
@click.option("--imds", is_flag=True, help="With --serve: as a virtual machine's metadata service.")
@click.option("--any-scope", is_flag=True, help="With --serve: tokens for whatever is asked, not for --scope only.")
@click.argument("arguments", metavar="[--] CMD [ARG]...", nargs=-1, required=True, type=click.UNPROCESSED)
@partial(common, json=False)
def command(settings: Settings, serve: bool, imds: bool, any_scope: bool, arguments: tuple[str, ...]) -> int:
    """Run a command with a token, or with an endpoint that renews.

    CMD finds the token in ENTRA_TOKEN and H2OGPTE_AZURE_TOKEN, and its end (epoch seconds) in ENTRA_TOKEN_EXPIRES_ON.
    With --serve it finds a managed identity instead, whose tokens never run out. What else could sign in
    (AZURE_CLIENT_SECRET and the like) is taken out of its environment. The exit status is CMD's: 127 where there is
    none, 126 where it cannot be run.
    """
    if settings.as_json:
        raise click.UsageError("exec has no result of its own, so there is no --json.")
    if not serve and (imds or any_scope):
        raise click.UsageError("--imds and --any-scope belong to --serve.")
    # Before a credential is made, which puts what flags say into the environment.
    environ = environment.snapshot()
    if not serve:
        with provider_of(settings) as provider:
            provider.azure_token()  # renewed first where little is left: this one is all that CMD gets
            token = provider.token()
        return become(arguments, with_token(environ, token))
    with endpoint_of(settings, imds=imds, any_scope=any_scope) as endpoint:
        host = urlsplit(endpoint.base).hostname or ""
        talk.finish()
        ended = run(arguments, led_to(environ, endpoint.environ, host))
    return ended.pass_on()
