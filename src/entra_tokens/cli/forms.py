"""A token in the forms that other programs take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..token import Token

__all__ = ["FORMS", "written"]

_KUBERNETES = "client.authentication.k8s.io/"


def written(token: Token, form: str) -> str:
    """The token in one of `FORMS`."""
    return FORMS[form](token)


def _json(token: Token) -> str:
    return json.dumps(
        {
            "token": str(token),
            "expires_on": int(token.expires_on),
            "refresh_on": None if token.refresh_on is None else int(token.refresh_on),
            "scopes": list(token.scopes),
            "token_type": "Bearer",
        }
    )


def _env(token: Token) -> str:
    # For `eval`. The alphabet of a token needs no quotes in a shell, but an opaque one may have any printable sign.
    values = {"ENTRA_TOKEN": str(token), "ENTRA_TOKEN_EXPIRES_ON": f"{token.expires_on:.0f}"}
    values["H2OGPTE_AZURE_TOKEN"] = str(token)
    return "\n".join(f"export {name}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    if text.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _k8s(token: Token) -> str:
    """What kubectl takes from a plug-in (https://kubernetes.io/docs/reference/config-api/client-authentication.v1)."""
    status = {"token": str(token), "expirationTimestamp": _rfc3339(token)}
    return json.dumps({"apiVersion": _asked_version(), "kind": "ExecCredential", "status": status})


def _asked_version() -> str:
    """The version in which kubectl asks, which is the one that it takes."""
    try:
        asked: Any = json.loads(environment.read("KUBERNETES_EXEC_INFO", "{}"))
        version = asked.get("apiVersion") if isinstance(asked, dict) else None
    except ValueError:
        version = None
    return version if isinstance(version, str) and version.startswith(_KUBERNETES) else _KUBERNETES + "v1"


def _credential_process(token: Token) -> str:
    fields = {"Version": 1, "AccessToken": str(token), "TokenType": "Bearer", "Expiration": _rfc3339(token)}
    return json.dumps(fields)


def _rfc3339(token: Token) -> str:
    return token.exp.strftime("%Y-%m-%dT%H:%M:%SZ")


FORMS: dict[str, Callable[[Token], str]] = {
    "token": str,
    "header": lambda token: f"Authorization: Bearer {token}",
    "json": _json,
    "env": _env,
    "k8s": _k8s,
    "credential-process": _credential_process,
}
