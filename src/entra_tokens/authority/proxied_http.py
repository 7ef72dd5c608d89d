"""Requests by way of the token proxy of AKS: nothing reaches the authority, which a pod may have no way to."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from .http import Answer, AuthorityHttp
from .verify import ssl_context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .token_proxy import TokenProxy

__all__ = ["ProxiedHttp"]

_DISCOVERY = "/v2.0/.well-known/openid-configuration"


class ProxiedHttp(AuthorityHttp):
    """As `AuthorityHttp`; what is meant for the authority goes to the proxy, straight.

    Args:
        through: The proxy.
        authority: `https://host[:port]`, in whose place it answers.
        verify: Whom to trust where no authority for the proxy's certificate is named.
        timeout: Seconds for a whole request.
        who: The credential, for messages.
    """

    def __init__(
        self, through: TokenProxy, authority: str, *, verify: bool | str | ssl.SSLContext, timeout: float, who: str
    ) -> None:
        super().__init__(authority, verify=verify, proxy=None, timeout=timeout, who=who)
        self._through = through
        self._where = "{0.scheme}://{0.netloc} (AZURE_KUBERNETES_TOKEN_PROXY)".format(urlsplit(through.url))
        self._pem = through.ca_data

    def get(self, url: str, *, params: Any = None, headers: Any = None, **_: Any) -> Answer:  # noqa: ARG002 - msal's
        """What msal reads before it asks; the proxy knows only the one endpoint, and it is where it always is."""
        tenant = url.removesuffix(_DISCOVERY)
        if tenant == url:
            raise ConfigurationError(f"{self._who}: the token proxy of AKS answers token requests only.")
        found = {name: f"{tenant}/oauth2/v2.0/{name.partition('_')[0]}" for name in _ENDPOINTS}
        return Answer(200, json.dumps({**found, "issuer": f"{tenant}/v2.0"}), {})

    def _exchange(self, method: str, url: str, parts: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        if self._through.server_name is not None:
            parts["extensions"] = {"sni_hostname": self._through.server_name}
        return super()._exchange(method, self._through.address(url), parts)

    def _tls(self) -> ssl.SSLContext:
        """A context of the authority's certificate as it is at this moment: the cluster replaces it now and then."""
        file = self._through.ca_file
        if file is not None:
            with suppress(OSError, ValueError), open(file, encoding="utf-8") as opened:
                self._pem = opened.read() or self._pem  # empty or gone: it is being replaced
        elif self._pem is None:
            return ssl_context(self._verify)
        if self._pem:  # nothing would mean the system's authorities
            with suppress(ssl.SSLError, ValueError):
                return ssl.create_default_context(cadata=self._pem)
        given = "AZURE_KUBERNETES_CA_DATA" if file is None else f"AZURE_KUBERNETES_CA_FILE ({file})"
        raise ConfigurationError(f"{self._who}: {given} cannot be read as PEM certificates.")


_ENDPOINTS = ("authorization_endpoint", "token_endpoint")
