"""Variables and files that change where requests go and whom they trust, in all the libraries at work here."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import ConfigurationError
from ..exits import MISCONFIGURED
from ..files import why_no_file
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["GROUP", "look_at_netrc", "look_at_variables"]

GROUP = "Network settings"
_CA = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_ON_THIS_MACHINE = ("127.0.0.1", "169.254.169.254")


def look_at_variables(environ: Mapping[str, str], urls: Sequence[str]) -> Sequence[Finding]:
    """Look at the variables, and at the files that they name.

    Args:
        environ: The environment.
        urls: Where requests will go.
    """
    findings = [found for name in _CA if (found := _ca(name, environ.get(name)))]
    first, second = environ.get("SSL_CERT_FILE"), environ.get("REQUESTS_CA_BUNDLE")
    if first and second and first != second:
        what = "SSL_CERT_FILE and REQUESTS_CA_BUNDLE differ: httpx and this program take the first, requests the second"
        findings.append(Finding("CA", "warn", what, "set both to one file with all the certificates"))
    proxies = {name: value for name in _PROXIES if (value := _of(environ, name))}
    findings += [_proxy(name, value, urls) for name, value in proxies.items()]
    no_proxy = _of(environ, "NO_PROXY")
    asked = [host for host in _ON_THIS_MACHINE if host not in no_proxy and no_proxy != "*"]
    if _of(environ, "HTTP_PROXY") and asked:
        hosts = ", ".join(asked)
        what = f"azure-identity asks managed-identity hosts ({hosts}) through HTTP_PROXY, secret header included"
        remedy = f"export NO_PROXY={','.join(filter(None, (no_proxy, 'localhost', *asked)))}"
        findings.append(Finding("NO_PROXY", "warn", what, remedy))
    return findings or [Finding("variables", "ok", "no variable names a proxy or a CA file")]


def _ca(name: str, path: str | None) -> Finding | None:
    from ...authority.verify import ssl_context

    if not path:
        return None
    remedy = f"unset {name}, or have it name a file of PEM certificates"
    if name.endswith("_DIR"):
        there = os.path.isdir(path)
        return Finding(
            name, "ok" if there else "warn", f"{path}{'' if there else ' is not there'}", None if there else remedy
        )
    try:
        if why := why_no_file(path, folder=True):
            return Finding(name, "fail", f"{path}: {why}", remedy, status=MISCONFIGURED)
        count = ssl_context(path).cert_store_stats()["x509_ca"]
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        return Finding(name, "fail", f"{path}: {why}", remedy, status=MISCONFIGURED)
    except ConfigurationError:
        return Finding(name, "fail", f"{path} cannot be read as PEM certificates", remedy, status=MISCONFIGURED)
    if not count and os.path.isfile(path):
        return Finding(name, "fail", f"{path} holds no CA certificate", remedy, status=MISCONFIGURED)
    return Finding(name, "ok", f"{path} ({count} certificate{'' if count == 1 else 's'})")


def _proxy(name: str, value: str, urls: Sequence[str]) -> Finding:
    from ...authority.proxy import resolved_proxy

    shown = _without_password(value)
    try:
        ways = {urlsplit(url).hostname: resolved_proxy(None, url) is not None for url in urls}
    except ConfigurationError as error:
        return Finding(name, "fail", error.message, f"correct {name}", status=MISCONFIGURED)
    if name == "HTTP_PROXY":
        return Finding(name, "ok", f"{shown}, for http only: tokens do not travel that way")
    past = [host or "" for host, through in ways.items() if not through]
    return Finding(name, "ok", f"{shown}{', not for ' + ', '.join(past) if past else ''}")


def _without_password(value: str) -> str:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host = parts.hostname or "?"
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "an address that is malformed"


def look_at_netrc(environ: Mapping[str, str], address: str) -> Sequence[Finding]:
    """Whether a `.netrc` has an entry for the h2oGPTe server: requests sends that in the token's place.

    Args:
        environ: The environment.
        address: Of the server.
    """
    import netrc

    host = urlsplit(address).hostname or ""
    for path in [environ["NETRC"]] if environ.get("NETRC") else ["~/.netrc", "~/_netrc"]:
        file = os.path.expanduser(path)
        try:
            if not stat.S_ISREG(os.stat(file).st_mode):
                continue
            entry = netrc.netrc(file).authenticators(host)
        except OSError:
            continue
        except netrc.NetrcParseError:
            return [Finding(".netrc", "warn", f"{file} cannot be parsed: some libraries fail on it")]
        if entry is not None:
            what = f"{file} has an entry for {host} (or a default one): the h2oGPTe client sends that, not the token"
            return [
                Finding(".netrc", "fail", what, "remove the entry, or export NETRC=/dev/null", status=MISCONFIGURED)
            ]
    return [Finding(".netrc", "ok", f"no .netrc entry for {host}")]


def _of(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.lower()) or environ.get(name) or ""
