"""What a person sees: a live table in a terminal, plain lines elsewhere, a summary at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .seats import Party

__all__ = ["console", "live_view", "plain_line", "summary"]

console: Console = Console(highlight=False)
COLOURS = {"fresh": "green", "stale": "yellow", "expired": "red", "none": "dim"}


def verified(party: Party, front: dict[str, Any]) -> int:
    """Calls of this provider's clients that the front verified."""
    calls: dict[str, int] = front["calls_by_client"]
    return sum(calls.get(session_id, 0) for seat in party.seats for session_id in seat.session_ids)


def tokens_seen(session_ids: set[str], front: dict[str, Any]) -> int:
    """Different tokens that the front verified for one client."""
    tokens: dict[str, list[str]] = front["tokens_by_client"]
    return len({digest for session_id in session_ids for digest in tokens.get(session_id, ())})


def live_view(parties: list[Party], front: dict[str, Any], now: float, left: float, note: str) -> Group:
    table = Table(title="entra-tokens: 20-second tokens, renewed under the real h2oGPTe clients", expand=False)
    for heading in ("provider", "state", "time left", "renewals", "calls verified", "failures"):
        table.add_column(heading, justify="left" if heading in ("provider", "state") else "right")
    for party in parties:
        status = party.provider.status()
        colour = COLOURS[status.state]
        failures = party.failures
        table.add_row(
            party.name,
            Text(status.state, style=colour),
            "-" if status.expires_on is None else f"{max(0.0, status.expires_on - now):.1f} s",
            str(status.renewals),
            str(verified(party, front)),
            Text(str(failures), style="red" if failures else "green"),
        )
    return Group(table, Text(f"{note}   {left:.0f} s to go", style="dim"))


def plain_line(parties: list[Party], front: dict[str, Any], now: float, left: float, note: str) -> str:
    parts = []
    for party in parties:
        status = party.provider.status()
        remaining = 0.0 if status.expires_on is None else max(0.0, status.expires_on - now)
        parts.append(
            f"{party.name}: {status.state}, {remaining:.0f} s left, {status.renewals} renewals, "
            f"{verified(party, front)} verified, {party.failures} failed"
        )
    return f"[{left:3.0f} s to go] {note} | " + " | ".join(parts)


def summary(parties: list[Party], front: dict[str, Any], refusals: int) -> bool:
    """Print what became of it; whether it was a success."""
    table = Table(title="What each client saw")
    for heading in ("client", "provider", "calls", "different tokens", "failures"):
        table.add_column(heading, justify="left" if heading in ("client", "provider") else "right")
    reasons: list[str] = []
    for party in parties:
        for seat in party.seats:
            tokens = tokens_seen(seat.session_ids, front)
            if tokens < 3:
                reasons.append(f"{seat.client} on {party.name} saw only {tokens} different tokens")
            if seat.failures:
                reasons.append(f"{seat.client} on {party.name} failed: {seat.failures[0]}")
            table.add_row(seat.client, party.name, str(seat.calls), str(tokens), str(len(seat.failures)))
    if front["verified"] < 200:
        reasons.append(f"only {front['verified']} calls were verified")
    if refusals < 2:
        reasons.append(f"the authority was refused {refusals} times, not twice")
    if front["refused"]:
        reasons.append(f"the front refused {front['refused']} calls: {', '.join(front['reasons'])}")
    if front["leaked_refresh_tokens"]:
        reasons.append("a client posted a refresh token to the front")
    console.print(table)
    renewals = sum(party.provider.status().renewals for party in parties)
    failed = sum(party.provider.status().failures for party in parties)
    console.print(
        f"{front['verified']} calls verified (signature, audience, expiry), {front['refused']} refused. {renewals} "
        f"tokens; {failed} attempts to renew met the {refusals} times of 3 s that nothing answered. No call noticed."
        if not reasons
        else f"{front['verified']} calls verified, {front['refused']} refused, {failed} attempts to renew failed."
    )
    for reason in reasons:
        console.print(Text(f"  {reason}", style="red"))
    console.print(Text("not as promised" if reasons else "No call failed.", style="red" if reasons else "bold green"))
    return not reasons
