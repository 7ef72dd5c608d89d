"""Errors' texts for who types commands: the library speaks to programmers, of arguments and classes."""

from __future__ import annotations

import re

from ..errors import GUIDE

__all__ = ["as_typed", "without_name"]

_NAME = re.compile(r"[A-Z]\w+(\([^)]*\))?:? ")
# Arguments of the library, and what a person gives in their place.
_GIVEN = {
    "authority": "--authority",
    "client_id": "--client-id",
    "password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "scope": "--scope",
    "tenant_id": "--tenant",
    "verify": "--ca",
}
_CREDENTIALS = {
    "AzureCli": "azure-cli",
    "AzureDeveloperCli": "azd",
    "AzurePowerShell": "azure-powershell",
    "ClientCertificate": "client-certificate",
    "ClientSecret": "client-secret",
    "Default": "default",
    "DeviceCode": "device-code",
    "Environment": "environment",
    "InteractiveBrowser": "browser",
    "ManagedIdentity": "managed-identity",
    "WorkloadIdentity": "workload-identity",
}
_NAMES = "|".join(_CREDENTIALS)
_ARGUMENT = re.compile(rf"(?<![\w-])({'|'.join(_GIVEN)})=(?=$|[\s,.;:?!)])")
_ASIDE = re.compile(r" \((\w+)=\)")  # an argument beside the variable that gives it, too
_INSIDE = re.compile(rf"\bEnvironment\(((?:{_NAMES})\([^()]*\))\)")
_TWICE = re.compile(r"^(  )(\w+): (?=\2\()", re.MULTILINE)  # a chain's line about a member, whose text begins with it
_MEMBER = re.compile(rf"^  ({_NAMES}): ", re.MULTILINE)
_MADE = re.compile(rf"\b({_NAMES})\(([^()]*)\)")
_PART = re.compile(r"(\w+)='([^']*)'")
_CALL = re.compile(r"^azure_token\(\): ")  # how a program gets what is meant
_PLACE = re.compile(rf"(?:(?<=\))\.)?\s+See {re.escape(GUIDE)}#([\w-]+)\.")


def without_name(message: str) -> str:
    """The text, as the command says it, without the credential and its arguments, with which errors of ours begin."""
    return as_typed(message[match.end() :] if (match := _NAME.match(message)) else message)


def as_typed(message: str) -> str:
    """The text in the words of the command: flags for arguments, `--credential` names for classes, and what to type to
    read a place in the guide, which who has only the package does not have as a document."""
    text = _TWICE.sub(r"\1", _INSIDE.sub(r"\1", _CALL.sub("", message)))
    text = _MEMBER.sub(lambda found: f"  {_CREDENTIALS[found[1]]}: ", text)
    text = _MADE.sub(_credential, text)
    text = _ASIDE.sub(lambda found: f" ({_GIVEN[found[1]]})" if found[1] in _GIVEN else "", text)
    text = _ARGUMENT.sub(lambda found: _GIVEN[found[1]], text)
    return _PLACE.sub(lambda found: f"\nMore: entra-tokens explain {_code(found[1])}", text)


def _credential(found: re.Match[str]) -> str:
    given = [
        f"{_GIVEN[name]} {value}" if name in _GIVEN else f"{name}={value}" for name, value in _PART.findall(found[2])
    ]
    name = _CREDENTIALS[found[1]]
    return f"{name} ({' '.join(given)})" if given else name


def _code(place: str) -> str:
    return place.upper() if place.removeprefix("aadsts").isdigit() else place
