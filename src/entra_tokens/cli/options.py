"""The options that every command has that gets a token, as one decorator."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .settings import CREDENTIALS, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["common"]

F = TypeVar("F", bound="Callable[..., Any]")

_OPTIONS = (
    click.option("--scope", metavar="SCOPE", multiple=True, help="What the token is for, as api://APP/.default."),
    click.option(
        "--credential",
        metavar="NAME",
        type=click.Choice(CREDENTIALS, case_sensitive=False),
        help=f"Where it comes from: {', '.join(CREDENTIALS)}.",
    ),
    click.option("--tenant", metavar="TENANT", help="The tenant: its id or one of its domains."),
    click.option("--client-id", metavar="ID", help="The application's (client) id."),
    click.option("--authority", metavar="URL", help="The token service, as https://login.microsoftonline.com."),
    click.option("--ca", metavar="FILE", help="Certificates to trust (PEM)."),
    click.option("--profile", metavar="PROFILE", help="The profile whose settings to use."),
    click.option("--json", "as_json", is_flag=True, help="JSON on stdout."),
)


def common(function: F) -> F:
    """Add the common options to a command; it is given them as `settings`, a `Settings`."""

    def with_settings(**given: Any) -> Any:
        flags = {name: given.pop(name) for name in ("credential", "tenant", "client_id", "authority", "ca", "profile")}
        flags["scope"] = " ".join(given.pop("scope")) or None
        return function(settings=resolve(flags, as_json=given.pop("as_json")), **given)

    wrapped: Any = update_wrapper(with_settings, function)
    for option in reversed(_OPTIONS):
        option(wrapped)
    result: F = wrapped
    return result
