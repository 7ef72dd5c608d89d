"""The fault switches as the control room offers them: a name for each, and what `fail()` makes of it."""

from __future__ import annotations

from html import escape
from typing import Any

from .faults import AUTHORITY, CI, H2OGPTE, MANAGED_IDENTITY, TOOLS

__all__ = ["TARGET_OPTIONS", "WHAT_OPTIONS", "fault_arguments", "who"]

_WHAT: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "Outages": {
        "503": ("503 Service Unavailable", {"status": 503}),
        "500": ("500 Internal Server Error", {"status": 500}),
        "throttled": ("429 Too Many Requests", {"fault": "throttled"}),
        "refuse": ("Connection refused", {"fault": "refuse"}),
        "reset": ("Connection reset", {"fault": "reset"}),
        "close": ("Connection closed without an answer", {"fault": "close"}),
        "hang": ("No answer at all", {"fault": "hang"}),
        "slow_drip": ("A byte now and then", {"fault": "slow_drip"}),
    },
    "Refusals": {
        "7000215": ("Wrong client secret (7000215)", {"error": 7000215}),
        "7000222": ("Expired client secret (7000222)", {"error": 7000222}),
        "700016": ("Unknown application (700016)", {"error": 700016}),
        "90002": ("Unknown tenant (90002)", {"error": 90002}),
        "65001": ("Consent missing (65001)", {"error": 65001}),
        "50076": ("MFA needed (50076)", {"error": 50076}),
        "53003": ("Conditional access (53003)", {"error": 53003}),
        "700024": ("Assertion out of its time: clock skew (700024)", {"error": 700024}),
        "70011": ("Bad scope (70011)", {"error": 70011}),
        "401": ("401 Unauthorized", {"status": 401}),
    },
    "Strange answers": {
        "html": ("An HTML page", {"fault": "html"}),
        "bad_json": ("Broken JSON", {"fault": "bad_json"}),
        "empty": ("An empty body", {"fault": "empty"}),
        "huge": ("A huge body", {"fault": "huge"}),
        "expired": ("A token that has run out", {"fault": "expired"}),
        "foreign_endpoint": ("Discovery that names another origin", {"fault": "foreign_endpoint"}),
    },
}
_NAMES = {
    "token": "Token endpoint",
    "device": "Device-code endpoint",
    "authorize": "Authorize endpoint",
    "discovery": "OpenID discovery",
    "instance": "Instance discovery",
    "keys": "Signing keys",
    "imds": "IMDS",
    "app_service": "App Service, Container Apps",
    "app_service_2017": "App Service 2017",
    "arc": "Azure Arc",
    "service_fabric": "Service Fabric",
    "cloud_shell": "Cloud Shell",
    "azure_ml": "Azure ML",
    "github_actions": "GitHub Actions",
    "azure_pipelines": "Azure Pipelines",
    "az": "Azure CLI (az)",
    "azd": "Developer CLI (azd)",
    "pwsh": "PowerShell (pwsh)",
    "h2ogpte_rpc": "h2oGPTe: rpc",
    "h2ogpte_rest": "h2oGPTe: REST",
    "h2ogpte_stream": "h2oGPTe: streams",
    "h2ogpte_ws": "h2oGPTe: socket upgrades",
    "h2ogpte_query": "h2oGPTe: queries on a socket",
    "h2ogpte_session": "h2oGPTe: cookie sessions",
    "h2ogpte_http": "h2oGPTe: all over HTTP",
}
_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("authority", "Authority", AUTHORITY),
    ("managed_identity", "Managed identity", MANAGED_IDENTITY),
    ("ci", "CI services", CI),
    ("tools", "Commands", TOOLS),
    ("h2ogpte", "h2oGPTe", (*H2OGPTE, "h2ogpte_http")),
)

_CALLED = {**_NAMES, **{name: f"{label}: all" for name, label, _ in _GROUPS}, "*": "Everything"}


def fault_arguments(asked: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `fail()` for what the page's form says.

    Args:
        asked: `target`, `what`, `lasts` (`healed`, `times` or `seconds`) and `amount`; for only some of the requests
            `share` (percent), `tenant`, `client_id` and `scope`, each empty or left out where it is all the same.

    Raises:
        ValueError: The form has no such choice.
    """
    what = str(asked.get("what"))
    chosen = next((choices[what][1] for choices in _WHAT.values() if what in choices), None)
    lasts = asked.get("lasts")
    if chosen is None or lasts not in ("healed", "times", "seconds"):
        raise ValueError("there is no such switch")
    amount = {} if lasts == "healed" else {lasts: int(asked.get("amount") or 0)}
    if any(number < 1 for number in amount.values()):
        raise ValueError("a number of at least 1 is needed")
    return {"target": str(asked.get("target")), **chosen, **amount, **_only_some(asked)}


def _only_some(asked: dict[str, Any]) -> dict[str, Any]:
    some: dict[str, Any] = {name: str(asked.get(name) or "").strip() for name in ("tenant", "client_id", "scope")}
    percent = float(asked.get("share") or 100)
    if not 0 < percent <= 100:
        raise ValueError("a share is above 0 and up to 100 percent")
    some["share"] = percent / 100 if percent < 100 else None
    return {name: value for name, value in some.items() if value}


def who(target: str) -> str:
    """What the page calls a target or a group."""
    return _CALLED.get(target, target)


def _option(value: str, text: str) -> str:
    return f'<option value="{escape(value, quote=True)}">{escape(text)}</option>'


def _options(label: str, options: list[str]) -> str:
    return f'<optgroup label="{escape(label, quote=True)}">{"".join(options)}</optgroup>'


TARGET_OPTIONS = "\n".join(
    _options(label, [*(_option(each, who(each)) for each in targets), _option(name, who(name))])
    for name, label, targets in _GROUPS
) + _option("*", who("*"))
WHAT_OPTIONS = "\n".join(
    _options(label, [_option(name, text) for name, (text, _) in choices.items()]) for label, choices in _WHAT.items()
)
