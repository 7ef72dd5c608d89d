"""`entra-tokens doctor`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from .. import environment
from ..engine.clock import SYSTEM_CLOCK
from . import talk
from .checks import authority, server, store, variables
from .checks.credentials import GROUP, credential_checks
from .checks.default import look_at_default
from .checks.examine import Check, examine
from .checks.finding import Finding
from .doctor_verdict import named, status_of, verdict
from .exits import DONE, MISCONFIGURED
from .files import checked_ca
from .options import common
from .plainly import as_typed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..token import Token
    from .settings import Settings

    Report = Mapping[str, Sequence[Finding]]

__all__ = ["command"]

# Every tenant has it, and whoever may ask for any token may ask for this one.
_SOME_SCOPE = "https://graph.microsoft.com/.default"
_SPARE = 2.0  # seconds between what a look may take and what is waited for it
# Where several work: the order in which Default tries them, then the people's.
_ORDER = ("environment", "workload-identity", "managed-identity", "azure-cli", "azd", "azure-powershell")

_NO_SCOPE = Finding(
    "token",
    "fail",
    "not tried: what the token is to be for is not known",
    "entra-tokens doctor --scope api://APP/.default",
    status=MISCONFIGURED,
)
# Before the clock runs: else each credential's time would be that of the others' imports.
_HEAVY = ("httpx", "msal", "azure.identity", "..authority.http", "..authority.msal_app")

_EXAMPLES = """\b
Examples:
  entra-tokens doctor
  entra-tokens doctor --scope api://APP/.default --address https://h2ogpte.example.com
  entra-tokens doctor --json | jq '.checks[] | select(.state == "fail")'
"""


@click.command("doctor", epilog=_EXAMPLES)
@click.option("--address", metavar="URL", help="The h2oGPTe server to look at, too.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, metavar="N", help="How long all may take (20).")
@common
def command(settings: Settings, address: str | None, seconds: float) -> int:
    """Find out what works here, and why the rest does not.

    Tries every credential by itself, and looks at the token service, the network settings, the store, and the h2oGPTe
    server. Asks nobody anything, and changes nothing. The exit status is 0 if a credential works (the one that
    is chosen, where one is) and the server, if there is one, takes its token.
    """
    from ..h2ogpte.address import checked_address

    if settings.fields["ca"].source == "--ca":  # what a variable or the profile names is looked at below
        checked_ca(settings.fields["ca"])
    address = address or settings.address
    address = checked_address(address) if address else None
    scope = settings.scope or _SOME_SCOPE
    for name in _HEAVY:
        import_module(name, __package__)
    started = SYSTEM_CLOCK.boot()
    working: dict[str, Token] = {}
    checks = _checks(settings, scope, address, seconds, working)
    if talk.is_terminal(sys.stderr):
        talk.say(f"Looking at {len(checks)} things, for {seconds:g} seconds at most ...")
    found = examine(checks, seconds)
    by_name = {each.name: each for check, findings in found.items() if check.group == GROUP for each in findings}
    found = {Check(GROUP, "default", tuple): [look_at_default(settings, by_name)], **found}
    token = _preferred(settings, working)
    if address is not None and token is not None and settings.scope is None:
        found[Check(server.GROUP, "token", tuple)] = [_NO_SCOPE]
    elif address is not None and token is not None:
        left = max(seconds - (SYSTEM_CLOCK.boot() - started), seconds / 4)
        asked = partial(server.look_at_schemes, address, settings.ca, token, max(left - _SPARE, left / 2))
        found.update(examine([Check(server.GROUP, "token", asked)], left))
    report: dict[str, list[Finding]] = {}
    for check, findings in found.items():
        report.setdefault(check.group, []).extend(replace(each, what=as_typed(each.what)) for each in findings)
    took = SYSTEM_CLOCK.boot() - started
    status = status_of(settings, report)
    if settings.as_json:
        talk.result(_as_json(report, scope, took, status))
    else:
        _show(report, scope, settings)
        talk.say(f"{verdict(settings, report)} It took {took:.1f} seconds.")
    return status


def _checks(
    settings: Settings, scope: str, address: str | None, seconds: float, working: dict[str, Token]
) -> list[Check]:
    limit = max(seconds - _SPARE, seconds / 2)
    environ = environment.snapshot()
    urls = [url for url in (settings.authority, address) if url]
    checks = credential_checks(settings, scope, limit, working.__setitem__)
    checks.append(Check(authority.GROUP, "reachable", partial(authority.look_at_authority, settings, limit)))
    checks.append(Check(variables.GROUP, "variables", partial(variables.look_at_variables, environ, urls)))
    checks += [Check(store.GROUP, "folder", store.look_at_store), Check(store.GROUP, "keyring", store.look_at_keyring)]
    if address is not None:
        checks.append(Check(variables.GROUP, ".netrc", partial(variables.look_at_netrc, environ, address)))
        checks.append(Check(server.GROUP, "reachable", partial(server.look_at_server, address, settings.ca, limit)))
    return checks


def _preferred(settings: Settings, working: Mapping[str, Token]) -> Token | None:
    chosen = named(settings)
    if chosen not in (None, "default"):
        return working.get(chosen or "")
    order = [name for name in _ORDER if name in working] + sorted(working)
    return working[order[0]] if order else None


def _as_json(report: Report, scope: str, took: float, status: int) -> str:
    checks: list[dict[str, Any]] = [
        {"group": group, **{name: value for name, value in asdict(each).items() if name != "status"}}
        for group, findings in report.items()
        for each in findings
    ]
    return json.dumps({"ok": status == DONE, "scope": scope, "seconds": round(took, 3), "checks": checks}, indent=1)


def _show(report: Report, scope: str, settings: Settings) -> None:
    asked = f"asked for {scope}" if settings.scope else f"asked for {scope}; --scope names another"
    if talk.is_terminal(sys.stdout):
        from .doctor_table import show

        show(report, {GROUP: asked})
    else:
        for group, findings in report.items():
            talk.result(f"{group} ({asked})" if group == GROUP else group)
            for each in findings:
                time = f" [{each.seconds:.2f} s]" if each.seconds is not None else ""
                talk.result(f"  {each.state:<6} {each.name}: {each.what.rstrip('.')}{time}")
                if each.remedy:
                    talk.result(f"         -> {each.remedy}")
