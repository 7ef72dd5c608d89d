"""The clients' options that a token depends on."""

from __future__ import annotations

import os
from typing import Any

from ..errors import ConfigurationError
from .probe import BEARER_AD, BEARER_TOKEN

__all__ = ["SCHEMES", "checked_options", "checked_scheme", "refuse_netrc"]

SCHEMES = ("auto", BEARER_TOKEN, BEARER_AD)


def checked_scheme(scheme: str) -> str:
    """Return the scheme, or raise ConfigurationError."""
    if scheme not in SCHEMES:
        raise ConfigurationError(f"scheme must be one of {', '.join(map(repr, SCHEMES))}, not {scheme!r:.40}.")
    return scheme


def checked_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the client's options, without those that are None: for the client they are not given.

    Raises:
        ConfigurationError: `verify` is something that the clients would take for False at some of their sockets.
    """
    given = {name: value for name, value in options.items() if value is not None}
    verify = given.get("verify", True)
    if isinstance(verify, os.PathLike):
        given["verify"] = verify = os.fspath(verify)
    if not isinstance(verify, (bool, str)) or verify == "":
        raise ConfigurationError(
            "verify must be True, False or the path of a CA file. The h2ogpte clients take nothing else: with an "
            "SSLContext their chat sockets would verify nothing."
        )
    return given


def refuse_netrc(address: str) -> None:
    """Say so where the clients would send a password from `.netrc` in the token's place (requests' and aiohttp's way).

    Raises:
        ConfigurationError: There is an entry for the address, or one for every host.
    """
    from requests.utils import get_netrc_auth

    if get_netrc_auth(address) is not None:
        raise ConfigurationError(
            "The .netrc of this account has an entry for the h2oGPTe server (or a default one), and the h2ogpte client "
            "would send that in the token's place. Remove it, or set NETRC=/dev/null in this process's environment."
        )
