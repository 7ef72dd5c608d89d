"""The h2oGPTe server: whether it is there, its version, which scheme it takes, and what its 401 says."""

from __future__ import annotations

import json
import re
import uuid
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from ...authority.redact import redact
from ...errors import ConfigurationError
from ...h2ogpte.probe import BEARER_AD, BEARER_TOKEN
from ..exits import MISCONFIGURED, REFUSED, UNAVAILABLE
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...token import Token

__all__ = ["GROUP", "look_at_schemes", "look_at_server"]

GROUP = "h2oGPTe server"
_META = "/rpc/meta"  # what the clients' own constructors ask
_LONGEST = 200  # characters of what a server says
_BUILD = re.compile(r"(-\d+|rc\d+)$")  # the clients compare versions without it
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,40}")  # it goes into a command that people paste


class Reply(NamedTuple):
    """An answer of the server; `failure`: why there is none."""

    status: int
    body: str
    challenge: str
    location: str
    failure: str = ""

    @property
    def version(self) -> str | None:
        """The server's version, where the answer says it."""
        try:
            content: Any = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        version = content.get("version") if isinstance(content, dict) else None
        plain = _BUILD.sub("", version.lstrip("v")) if isinstance(version, str) else ""
        return plain if _VERSION.fullmatch(plain) else None

    @property
    def said(self) -> str:
        """What it says, in one line, without what looks like a secret."""
        text = self.body
        try:
            content: Any = json.loads(self.body)
        except (ValueError, RecursionError):
            text = "(a web page)" if "<" in text[:200] else text
        else:
            if isinstance(content, dict):
                text = str(content.get("message") or content.get("detail") or content.get("error") or self.body)
        parts = [f"HTTP {self.status}", redact(" ".join(text.split()))[:_LONGEST] if text.strip() else "(nothing more)"]
        return ", ".join(filter(None, [*parts, redact(self.challenge)[:_LONGEST]]))


def look_at_server(address: str, ca: str | None, seconds: float) -> Sequence[Finding]:
    """Ask without a token.

    Args:
        address: A checked address.
        ca: The CA file to trust; None: the environment's, else the system's.
        seconds: How long it may take.
    """
    reply = _ask(address, ca, seconds)
    if reply.failure:
        return [Finding("reachable", "fail", f"{address}: {reply.failure}", status=UNAVAILABLE)]
    if 300 <= reply.status < 400:
        what = f"{address} redirects to {redact(reply.location)[:_LONGEST]}, and a token would not go there"
        return [Finding("reachable", "warn", what, "give the address of the server itself")]
    if reply.status in (401, 403):
        return [
            Finding("reachable", "ok", f"{address} answers, and wants a token"),
            Finding("without a token", "ok", f"it says: {reply.said}"),
        ]
    if reply.version is None:
        what = f"{address} answers, but not as an h2oGPTe server does: {reply.said}"
        return [Finding("reachable", "warn", what, "check the address: host, port and path")]
    return [Finding("reachable", "ok", f"{address} answers, without a token too")]


def look_at_schemes(address: str, ca: str | None, token: Token, seconds: float) -> Sequence[Finding]:
    """Ask with the token under each of the schemes that the clients use.

    Args:
        address: A checked address.
        ca: As above.
        token: For the server's scope.
        seconds: For both together.
    """
    replies = {scheme: _ask(address, ca, seconds / 2, f"{scheme} {token}") for scheme in (BEARER_TOKEN, BEARER_AD)}
    taken = [scheme for scheme, reply in replies.items() if 200 <= reply.status < 300]
    findings = [
        Finding(scheme, "ok", "accepted")
        if scheme in taken
        else Finding(
            scheme,
            "absent" if taken else "fail",
            reply.failure or f"refused: {reply.said}",
            status=0 if taken else REFUSED,
        )
        for scheme, reply in replies.items()
    ]
    if not taken:
        findings.append(_audience(token))
    elif len(taken) == 1:
        how = "token_provider=provider" if taken[0] == BEARER_TOKEN else "azure_token=live_azure_token(provider)"
        findings.append(Finding("use", "ok", f"entra_tokens.h2ogpte.connect() finds it; by hand: H2OGPTE(..., {how})"))
    version = next((reply.version for scheme, reply in replies.items() if scheme in taken and reply.version), None)
    return [*findings, *_versions(version)]


def _audience(token: Token) -> Finding:
    try:
        audience = str(token.claims().get("aud"))
    except ValueError:
        audience = "unreadable"
    what = f"the token is for {audience}: the server's application must be that one"
    return Finding("audience", "warn", what, "entra-tokens token | entra-tokens inspect")


def _versions(server: str | None) -> Sequence[Finding]:
    try:
        client = _BUILD.sub("", metadata.version("h2ogpte"))
    except metadata.PackageNotFoundError:
        known = f"{server}; " if server else ""
        return [
            Finding(
                "version",
                "absent",
                f"{known}the package h2ogpte is not installed",
                f"pip install h2ogpte{f'=={server}' if server else ''}",
            )
        ]
    if server is None:
        return [Finding("version", "absent", f"the server does not say its own; the client is {client}")]
    if server == client:
        return [Finding("version", "ok", f"server and client are {client}")]
    what = f"the server is {server}, the client {client}"
    return [Finding("version", "warn", what, f"pip install h2ogpte=={server}")]


def _ask(address: str, ca: str | None, seconds: float, authorization: str | None = None) -> Reply:
    import httpx

    from ...authority.proxy import resolved_proxy
    from ...authority.verify import resolved_verify, ssl_context

    headers = {"Session-Id": str(uuid.uuid4()), "Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    try:
        context = ssl_context(resolved_verify(ca or True))
        with (
            # The environment's proxy and CA are settled here as for the token service; no redirect is followed.
            httpx.Client(
                verify=context, proxy=resolved_proxy(None, address), trust_env=False, timeout=seconds
            ) as client,
            client.stream("GET", address + _META, headers=headers) as answer,
        ):
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > 65536:
                    break
            told = answer.headers
            text = body.decode("utf-8", "replace")
            return Reply(answer.status_code, text, told.get("www-authenticate", ""), told.get("location", ""))
    except ConfigurationError as error:
        return Reply(MISCONFIGURED, "", "", "", error.message)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Reply(0, "", "", "", _why(error))


def _why(error: BaseException) -> str:
    import ssl

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({seen.verify_message}): name its CA with --ca or SSL_CERT_FILE"
        seen = seen.__cause__ or seen.__context__
    return redact(str(error)) or f"no answer ({type(error).__name__})"
