"""What a report of `doctor` comes to: the exit status, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .checks import server
from .checks.credentials import GROUP
from .exits import DONE, NO_CREDENTIAL, REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .checks.finding import Finding
    from .settings import Settings

    Report = Mapping[str, Sequence[Finding]]

__all__ = ["named", "status_of", "verdict"]


def named(settings: Settings) -> str | None:
    """The credential that was chosen, by a flag, a variable or the profile; None: nobody has chosen."""
    chosen = settings.fields["credential"]
    return chosen.value if chosen.source != "default" else None


def status_of(settings: Settings, report: Report) -> int:
    """0 if the chosen credential works, or any where none is chosen, and the server takes its token."""
    found, chosen = report[GROUP], named(settings)
    of_it = [each for each in found if each.name == chosen or (chosen is None and each.state == "ok")]
    if not any(each.state == "ok" for each in of_it):
        return next((each.status for each in of_it if each.status), NO_CREDENTIAL)
    return next((each.status for each in report.get(server.GROUP, ()) if each.status), DONE)


def verdict(settings: Settings, report: Report) -> str:
    """It in a sentence or two."""
    found, chosen = report[GROUP], named(settings)
    working = [each.name for each in found if each.state == "ok" and each.name != "default"]
    if not working:
        return "No credential works here. Type 'entra-tokens login --help' to sign in, or see the reasons above."
    these = f"Tokens can be had with {', '.join(working)}."
    default = next((each for each in found if each.name == "default"), None)
    if chosen is not None and not any(each.name == chosen and each.state == "ok" for each in found):
        return f"{chosen} does not work here. {these}"
    if chosen is None and default is not None and default.state != "ok":
        return f"{these} Choose with --credential: without it, nothing works."
    if any(each.status == REFUSED for each in report.get(server.GROUP, ())):
        return f"{these} The h2oGPTe server does not take them."
    if any(each.status for each in report.get(server.GROUP, ())):
        return f"{these} The h2oGPTe server could not be asked whether it takes them."
    return these
