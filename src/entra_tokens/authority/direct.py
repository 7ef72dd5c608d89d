"""Forms for one authority, posted straight to it, or to the token proxy of AKS in its place.

httpcore under msal would do, and loads anyio and half as much again as all that a process with one token needs.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ..acquiring import current
from ..engine.workers import importing
from ..errors import ConfigurationError
from .failures import unreachable
from .link import connected
from .seen import read_answer
from .verify import ssl_context
from .wire import NotHttp, TooLarge, read_reply, request_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .options import AuthorityOptions
    from .seen import Seen
    from .token_proxy import TokenProxy
    from .wire import Reply

__all__ = ["Direct"]

_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "entra-tokens",
}


class Direct:
    """Posts forms, each on a connection of its own: no proxy, no redirect, a limit on time and size.

    Any number of threads may use it. Nothing is kept between two requests but whom to trust.

    Args:
        options: Where the authority is and how to get there; their `proxy` is not looked at.
        who: The credential, for messages.
    """

    def __init__(self, options: AuthorityOptions, *, who: str) -> None:
        self._options = options
        self._through = options.token_proxy
        self._who = who
        self._context: ssl.SSLContext | None = None
        self._proxys = None if self._through is None else _ProxysTrust(self._through, who)

    def post(self, url: str, form: Mapping[str, str]) -> Seen:
        """Post a form to an address of the authority.

        Raises:
            EntraTokensError: No usable answer came.
        """
        asked_at = current().clock.wall()
        reply = self._reply(url, urlencode(form).encode("ascii"))
        return read_answer(reply.status, reply.headers, reply.body, asked_at=asked_at, who=self._who)

    def _reply(self, url: str, body: bytes) -> Reply:
        where, name = self._options.authority, None
        if self._through is not None:
            url, name = self._through.address(url), self._through.server_name
            where = "{0.scheme}://{0.netloc} (AZURE_KUBERNETES_TOKEN_PROXY)".format(urlsplit(url))
        parts = urlsplit(url)
        host, seconds = parts.hostname or "", self._options.timeout
        context = self._trusted()
        why: str | Exception
        try:
            link = connected(host, parts.port or 443, within=seconds, total=seconds)
            try:
                context.set_alpn_protocols(["http/1.1"])  # shared with a client of HTTP/2, it would ask for that
                link.secure(context, (name or host).rstrip("."))  # RFC 6066 §3: without the root's dot
                link.send(request_bytes(parts.netloc, parts.path, _HEADERS, body))
                return read_reply(link.receive)
            finally:
                link.close()
        except TimeoutError:
            why = f"no answer within {seconds:g} s"
        except TooLarge:
            why = "the answer is larger than 1 MiB"
        except NotHttp as error:
            why = f"the answer is no HTTP ({error})"
        except (OSError, ValueError) as error:  # ValueError: a name that nobody can have
            why = error
        raise unreachable(self._who, where, why)

    def _trusted(self) -> ssl.SSLContext:
        if self._proxys is not None:
            found = self._proxys.context()
            if found is not None:
                return found
        if self._context is None:
            self._context = ssl_context(self._options.verify)
        return self._context


class _ProxysTrust:
    """Who signs the token proxy's certificate, as it is at this moment: the cluster replaces it now and then."""

    def __init__(self, through: TokenProxy, who: str) -> None:
        self._file = through.ca_file
        self._pem = through.ca_data
        self._who = who

    def context(self) -> ssl.SSLContext | None:
        """None: nobody is named, and whom the credential trusts will do."""
        if self._file is not None:
            with suppress(OSError, ValueError), open(self._file, encoding="utf-8") as opened:
                self._pem = opened.read() or self._pem  # empty or gone: it is being replaced
        elif self._pem is None:
            return None
        if self._pem:  # nothing would mean the system's authorities
            with importing(), suppress(ssl.SSLError, ValueError):
                return ssl.create_default_context(cadata=self._pem)
        given = "AZURE_KUBERNETES_CA_DATA" if self._file is None else f"AZURE_KUBERNETES_CA_FILE ({self._file})"
        raise ConfigurationError(f"{self._who}: {given} cannot be read as PEM certificates.")
