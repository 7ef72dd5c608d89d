"""`entra-tokens explain`."""

from __future__ import annotations

import json
import sys

import click

from . import talk

__all__ = ["command"]

_MOST = 1 << 20  # characters of a pasted log

_EXAMPLES = """\b
Examples:
  entra-tokens explain AADSTS7000215
  entra-tokens explain 50076
  entra-tokens explain - < error.log
"""
_UNKNOWN = "https://login.microsoftonline.com/error?code={}"


@click.command("explain", epilog=_EXAMPLES)
@click.argument("text", nargs=-1, metavar="[CODE|-]...")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def command(text: tuple[str, ...], as_json: bool) -> None:
    """Explain AADSTS error codes: CODE, or those in a text that is pasted or piped in."""
    from ..authority.aadsts import explain, find

    if not text and talk.is_terminal(sys.stdin):
        talk.say("Paste the error, then type Ctrl-D:")
    given = " ".join(text) if text and text != ("-",) else sys.stdin.read(_MOST)
    codes = find(given)
    if not codes:
        raise click.UsageError("There is no AADSTS code in that. One looks like AADSTS7000215")
    if as_json:
        rows = [(code, explain(code)) for code in codes]
        known = {code: {"meaning": found.meaning, "remedy": found.remedy} for code, found in rows if found}
        sources = {code: found.source if found else _UNKNOWN.format(code) for code, found in rows}
        talk.result(json.dumps([{"code": c, **known.get(c, {}), "source": sources[c]} for c in codes]))
        return
    for number, code in enumerate(codes):
        found = explain(code)
        if number:
            talk.result("")
        if found is None:
            talk.lines(f"AADSTS{code} is not in this table. Microsoft's page: {_UNKNOWN.format(code)}")
            continue
        talk.lines(f"AADSTS{code}: {found.meaning}")
        talk.lines(f"  What to do: {found.remedy}")
        talk.lines(f"  More: {found.source}")
