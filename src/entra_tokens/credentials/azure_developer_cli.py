"""AzureDeveloperCli: whoever is signed in with `azd auth login`.

azure-identity (1.27.0) reads the `Z` in azd's `expiresOn` as local time, eight hours late in Los Angeles, and cannot
read an offset; neither can be mended from outside. So the command is run here, by azure-identity's rules.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..acquiring import current
from ..authority.answers import to_token
from ..authority.failures import refusal, unavailable
from ..authority.guard import guarded
from ..authority.options import checked_timeout
from ..authority.redact import redact
from ..errors import AuthenticationFailed, ConfigurationError, CredentialUnavailable
from ..request import checked_tenant_id
from .azure_errors import says_no_answer
from .command import profile, run
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import EntraTokensError
    from ..request import TokenRequest
    from ..token import Token
    from .command import Ended

__all__ = ["AzureDeveloperCli"]

_ANCHOR = "command-line-tools"

_INSTALL = "Install the Azure Developer CLI (https://aka.ms/azd) and run 'azd auth login'."


class AzureDeveloperCli(Value):
    """Gets tokens from the Azure Developer CLI (`azd auth token`).

    One process for each acquisition, without a shell, in a fixed folder, with stdin closed. Who is signed in is part
    of the identity as of construction (the file of `azd auth login` and its time). Any number of threads may acquire at
    once. Pickles.

    Args:
        tenant_id: The tenant to ask; None: the CLI's own.
        timeout: Seconds to wait for the command. Default 10.

    Raises:
        ConfigurationError: The tenant holds characters that have no place on a command line.
    """

    def __init__(self, *, tenant_id: str | None = None, timeout: float = 10.0) -> None:
        self.tenant_id: str | None = None if tenant_id is None else checked_tenant_id(tenant_id)
        if tenant_id is not None and tenant_id.startswith("-"):
            raise ConfigurationError("tenant_id must not start with '-'.")
        self._timeout = checked_timeout(timeout)
        self._identity = ("azure_developer_cli", tenant_id or "", *profile("AZD_CONFIG_DIR", ".azd", "auth.json"))

    @property
    def identity(self) -> tuple[str, ...]:
        """Tenant, and the CLI's sign-in file with its time."""
        return self._identity

    def acquire(self, request: TokenRequest) -> Token:
        """Run `azd auth token`.

        Raises:
            CredentialUnavailable: There is no `azd`, nobody is signed in, or it is too old for a claims challenge.
            AuthenticationFailed: The authority refused; often a person has to run `azd auth login` again.
            AuthorityUnavailable: The command did not end in time, or the authority could not be reached.
        """
        return guarded(lambda: self._acquire(request), who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        from base64 import b64encode

        arguments = ["auth", "token", "--output", "json", "--no-prompt"]
        for scope in request.scopes:
            arguments += ["--scope", scope]
        tenant = request.tenant_id or self.tenant_id
        if tenant is not None:
            if tenant.startswith("-"):
                raise ConfigurationError("tenant_id must not start with '-'.")
            arguments += ["--tenant-id", tenant]
        if request.claims is not None:
            arguments += ["--claims", b64encode(request.claims.encode()).decode()]
        asked_at = current().clock.wall()
        ended = run("azd", arguments, timeout=self._timeout, who=repr(self))
        if ended.status:
            raise self._failure(ended)
        answer = _last_object(ended.out)
        if not isinstance(answer.get("token"), str):
            raise self._failure(ended)
        given = {"access_token": answer["token"], "expires_on": answer.get("expiresOn")}
        return to_token(given, request.scopes, asked_at=asked_at, who=repr(self))

    def _failure(self, ended: Ended) -> EntraTokensError:
        said = redact(_said(ended))
        both = f"{ended.out}\n{ended.err}"
        if ended.status == 127 or "'azd' is not recognized" in ended.err:
            return CredentialUnavailable(f"{self!r}: there is no 'azd' on PATH. {_INSTALL}", anchor=_ANCHOR)
        if "not logged in" in both and "AADSTS" not in both:
            return CredentialUnavailable(f"{self!r}: nobody is signed in. Run 'azd auth login'.", anchor=_ANCHOR)
        if "unknown flag: --claims" in both:
            return CredentialUnavailable(
                f"{self!r}: a claims challenge needs azd 1.18.1 or later. Update it.", anchor=_ANCHOR
            )
        if not said:
            return AuthenticationFailed(
                f"{self!r}: 'azd' ended with status {ended.status} and said nothing usable. Run 'azd auth token' by "
                "hand and see what it says.",
                anchor=_ANCHOR,
            )
        if "AADSTS" not in said and says_no_answer(said):
            return unavailable(repr(self), said.rstrip("."), anchor=_ANCHOR)
        return refusal({"error_description": said}, who=repr(self), anchor=_ANCHOR, sign_in="azd auth login")

    def __repr__(self) -> str:
        return f"AzureDeveloperCli({'' if self.tenant_id is None else f'tenant_id={self.tenant_id!r}'})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.tenant_id, self._timeout)


def _rebuilt(tenant_id: str | None, timeout: float) -> AzureDeveloperCli:
    return AzureDeveloperCli(tenant_id=tenant_id, timeout=timeout)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in it: the whole, or one a line among other lines."""
    for piece in (text, *text.splitlines()):
        try:
            found = json.loads(piece)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _last_object(out: str) -> dict[str, Any]:
    """Warnings may stand before the answer."""
    start = out.find("{")
    for text in (out, out[start:] if start >= 0 else ""):
        for found in _objects(text):
            if "token" in found:
                return found
    return {}


def _said(ended: Ended) -> str:
    """What azd has to say: an `error` (since 1.23.7), else a message to the console, else its stderr."""
    messages: list[str] = []
    for found in (*_objects(ended.out), *_objects(ended.err)):
        data = found.get("data")
        for value in (found.get("error"), data.get("message") if isinstance(data, dict) else None):
            if isinstance(value, str) and value.strip():
                messages.append(value)
    if messages:
        return messages[0].strip().removeprefix("ERROR:").strip()
    return "" if _last_object(ended.out) or "{" in ended.err else ended.err.strip()
