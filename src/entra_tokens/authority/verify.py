"""Whom to trust: `verify=`, else the environment's CA file, else the system's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import environment
from ..engine.workers import importing
from ..errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from typing import TypeAlias

    Verify: TypeAlias = bool | str | os.PathLike[str] | ssl.SSLContext

__all__ = ["resolved_verify", "ssl_context"]

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def resolved_verify(verify: Verify) -> bool | str | ssl.SSLContext:
    """Settle what to trust, without touching a file.

    Args:
        verify: True: the environment's CA file, else the system's; False: anything; a CA file or folder; a context.

    Raises:
        ConfigurationError: It is none of these.
    """
    if verify is True:
        for name in _VARIABLES:
            path = environment.read(name)
            if path:
                return path
        return True
    if verify is False:
        return False
    if isinstance(verify, (str, os.PathLike)):
        path = os.fspath(verify)
        if isinstance(path, str) and path:
            return path
    elif type(verify).__name__ == "SSLContext" or hasattr(verify, "wrap_socket"):
        return verify
    raise ConfigurationError("verify must be True, False, the path of a CA file, or an ssl.SSLContext.")


def ssl_context(verify: bool | str | ssl.SSLContext) -> ssl.SSLContext:
    """The TLS context for a settled `verify`.

    Raises:
        ConfigurationError: The CA file cannot be read.
    """
    if not isinstance(verify, (bool, str)):  # whatever class: truststore puts its own in the place of ssl's
        return verify
    with importing():  # OpenSSL's locks: a child forked from the middle of its work would wait for them for ever
        return _made(verify)


def _made(verify: bool | str) -> ssl.SSLContext:
    import ssl

    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if isinstance(verify, str):
        try:
            folder = os.path.isdir(verify)
            return ssl.create_default_context(**{"capath" if folder else "cafile": verify})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # neither can see which key it is
        except (OSError, ValueError):
            pass
        raise ConfigurationError(
            f"The CA file {verify!r} cannot be read as PEM certificates (verify=, SSL_CERT_FILE or REQUESTS_CA_BUNDLE)."
        )
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not ssl.get_default_verify_paths().capath:
        import certifi  # a system without a CA store, such as a slim container

        context.load_verify_locations(certifi.where())
    return context
