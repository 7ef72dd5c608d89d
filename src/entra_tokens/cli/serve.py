"""`entra-tokens serve`."""

from __future__ import annotations

import json
import shlex
from signal import SIGINT
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from .. import environment
from . import talk
from .child_environ import OURS, beside
from .endpoint import endpoint_of
from .options import common
from .signals import Signals, named

if TYPE_CHECKING:
    from ..serving.endpoint import Endpoint
    from .settings import Settings

__all__ = ["command"]

# These come before a managed identity in DefaultAzureCredential, or take its place.
_FIRST = {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_PASSWORD"}

_EXAMPLES = """\b
Examples:
  entra-tokens serve --scope api://APP/.default
  entra-tokens serve --imds --json
  entra-tokens serve --allow-host host.docker.internal
"""


@click.command("serve", epilog=_EXAMPLES)
@click.option("--imds", is_flag=True, help="As a virtual machine's metadata service, under a secret path.")
@click.option("--any-scope", is_flag=True, help="Give tokens for whatever is asked, not for --scope only.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="By default any that is free.")
@click.option("--bind", metavar="ADDRESS", default="127.0.0.1", help="Listen on another address than 127.0.0.1.")
@click.option("--allow-host", metavar="NAME", multiple=True, help="A name by which a container reaches this machine.")
@common
def command(settings: Settings, imds: bool, any_scope: bool, port: int, bind: str, allow_host: tuple[str, ...]) -> None:
    """Serve tokens to local programs, as a managed identity.

    Unmodified Azure libraries of any language get tokens that are renewed, from whatever credential you have. Set the
    variables that it prints where the programs run. It serves until Ctrl-C.
    """
    endpoint = endpoint_of(settings, imds=imds, any_scope=any_scope, bind=bind, port=port, allow_hosts=allow_host)
    with Signals(named("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")) as signals, endpoint:
        _explain(settings, endpoint, any_scope)
        # Last: whoever starts this from a program reads these lines and goes on.
        talk.result(_variables(endpoint, as_json=settings.as_json))
        talk.finish()
        if signals.wait() == SIGINT:
            talk.interrupted()
    talk.say(f"entra-tokens: {endpoint.served} tokens given, {endpoint.refused} requests refused.")


def _variables(endpoint: Endpoint, *, as_json: bool) -> str:
    host = urlsplit(endpoint.base).hostname or ""
    variables = {**endpoint.environ, **beside(environment.snapshot(), host)}
    if as_json:
        return json.dumps(variables)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _explain(settings: Settings, endpoint: Endpoint, any_scope: bool) -> None:
    what = "whatever is asked for" if any_scope or not settings.scope else settings.scope
    talk.say(f"entra-tokens: serving tokens of {settings.credential} for {what} at {endpoint.base} until Ctrl-C.")
    if not endpoint.loopback:
        talk.say(
            "entra-tokens: WARNING: this address can be reached from other machines, and what is sent is not "
            "encrypted: whoever reads along on that network, or learns the secret, gets your tokens."
        )
    there = [name for name in OURS if name in _FIRST and environment.read(name)]
    if there:
        talk.say(
            f"entra-tokens: {', '.join(there)} is set here. Where it is set, Azure's libraries use it before the "
            "endpoint: unset it there, or use 'entra-tokens exec --serve', which does."
        )
