"""`entra-tokens explain`."""

from __future__ import annotations

import json
import re
import sys

import click

from . import talk
from .guide import places, section

__all__ = ["command"]

_MOST = 1 << 20  # characters of a pasted log

_EXAMPLES = """\b
Examples:
  entra-tokens explain AADSTS7000215
  entra-tokens explain 50076
  entra-tokens explain - < error.log
  entra-tokens explain the-store
"""
_NAMED = re.compile(r"(?:troubleshooting\.md#|entra-tokens explain )([a-z0-9-]+)")
_CODE = re.compile(r"(AADSTS)?\d+,?", re.IGNORECASE)  # several may be typed, and then each of them is meant
_UNKNOWN = "https://login.microsoftonline.com/error?code={}"


def place_names(_context: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """The places that a shell may complete to."""
    return [each for each in places() if each.startswith(begun)]


@click.command("explain", epilog=_EXAMPLES)
@click.argument("text", nargs=-1, metavar="[CODE|PLACE|-]...", shell_complete=place_names)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def command(text: tuple[str, ...], as_json: bool) -> None:
    """Explain an error, offline.

    CODE is an AADSTS code, PLACE a place in the troubleshooting guide, which an error of entra-tokens ends with. Both
    are found in a text that is pasted or piped in, too.
    """
    from ..authority.aadsts import explain, find

    if not text and talk.is_terminal(sys.stdin):
        talk.say("Paste the error, then type Ctrl-D:")
    given = " ".join(text) if text and text != ("-",) else sys.stdin.read(_MOST)
    alone = [find(each) if _CODE.fullmatch(each) else () for each in text]
    codes = tuple(dict.fromkeys(code for each in alone for code in each)) if all(alone) and text else find(given)
    place = None if codes else _place(given)
    if place is not None:
        _show_place(place, as_json)
        return
    if not codes:
        raise click.UsageError(
            "There is no AADSTS code in that, and no place in the guide. A code looks like AADSTS7000215; the places "
            f"are {', '.join(places())}"
        )
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


def _place(text: str) -> str | None:
    """The first place in the guide that a text names, by itself or as errors do."""
    there = places()
    named = [text.strip(), *_NAMED.findall(text)]
    return next((name for name in named if name in there), None)


def _show_place(place: str, as_json: bool) -> None:
    found = section(place) or ""
    if as_json:
        talk.result(json.dumps([{"place": place, "text": found}]))
    else:
        talk.lines(found)
