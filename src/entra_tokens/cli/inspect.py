"""`entra-tokens inspect`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ..engine.clock import SYSTEM_CLOCK
from . import talk
from .claims import application, text_of, user
from .options import profile_names
from .reading import read, taken_out
from .settings import resolve
from .spans import in_words
from .verdicts import instant, verdicts

if TYPE_CHECKING:
    from .reading import Read
    from .verdicts import Verdict

__all__ = ["command"]

_MOST = 1 << 20  # characters
_TERMINAL_LINE = 4095  # characters, after which a terminal cuts a pasted line

_EXAMPLES = """\b
Examples:
  entra-tokens token | entra-tokens inspect
  entra-tokens inspect --scope api://APP/.default < token.txt
  pbpaste | entra-tokens inspect --json
"""
_NAMES = {
    "access": "Access token",
    "graph": "Access token for Microsoft Graph",
    "id": "ID token",
    "encrypted": "Encrypted token",
    "refresh": "Refresh token or sign-in code",
    "secret": "Client secret",
    "opaque": "Not a token that can be read",
}


@click.command("inspect", epilog=_EXAMPLES)
@click.argument("token", required=False, metavar="[-|TOKEN]")
@click.option("--scope", metavar="SCOPE", help="What it should be for.")
@click.option("--tenant", metavar="TENANT", help="Which tenant it should be from.")
@click.option(
    "--profile", metavar="PROFILE", shell_complete=profile_names, help="The profile whose scope and tenant it has."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def command(token: str | None, scope: str | None, tenant: str | None, profile: str | None, as_json: bool) -> None:
    """Read a token: whose, for what, how long; and what will make h2oGPTe or an API refuse it.

    Reads stdin, because everybody on a machine can see arguments. Nothing is sent anywhere, and nothing is verified:
    only who knows the issuer's keys can say whether a token is genuine.
    """
    settings = resolve({"scope": scope, "tenant": tenant, "profile": profile})
    text = taken_out(_from_stdin() if token in (None, "", "-") else str(token))
    if not text:
        raise click.UsageError("There is no token. Pipe one in: entra-tokens token | entra-tokens inspect")
    found = read(text)
    now = SYSTEM_CLOCK.wall()
    said = verdicts(found, now=now, scope=settings.scope, tenant=settings.tenant)
    if as_json:
        talk.result(json.dumps(_as_json(found, said, now)))
    else:
        _print(found, said, now)


def _from_stdin() -> str:
    if not talk.is_terminal(sys.stdin):
        return sys.stdin.read(_MOST)
    talk.say("Paste the token and press Enter:")
    line = sys.stdin.readline(_MOST)
    if len(line.rstrip("\n")) >= _TERMINAL_LINE:
        raise click.UsageError("A terminal takes no longer lines than that. Put the token into a file, or pipe it in")
    return line


def _as_json(found: Read, said: list[Verdict], now: float) -> dict[str, Any]:
    expires = instant(found, "exp")
    return {
        "kind": found.kind,
        "version": found.version,
        "expires_on": expires,
        "expires_in": None if expires is None else int(expires - now),
        "refused": any(each.refuses for each in said),
        "problems": [{"code": each.code, "text": each.text} for each in said if each.refuses],
        "notes": [{"code": each.code, "text": each.text} for each in said if not each.refuses],
        "header": found.header,
        "claims": found.claims,
    }


def _print(found: Read, said: list[Verdict], now: float) -> None:
    version = f", v{found.version}" if found.version else ""
    talk.result(_NAMES[found.kind] + version)
    for label, value in _rows(found, now):
        talk.result(f"  {label:<12} {talk.one_line(value)}")
    for refuses, title in ((True, "Will be refused:"), (False, "Worth knowing:")):
        chosen = [each for each in said if each.refuses is refuses]
        if chosen:
            talk.result("\n" + title)
        for each in chosen:
            talk.lines(f"  {talk.one_line(each.text)}")
    if found.claims and not any(each.refuses for each in said):
        talk.lines("\nNothing here says that it will be refused. Its signature was not checked.")


def _rows(found: Read, now: float) -> list[tuple[str, str]]:
    claims = found.claims
    if not claims:
        return []
    name = user(claims) or text_of(claims, "name")
    rows = [
        ("who", f"{name or 'a person'}" if found.is_person or found.kind == "id" else "an application, no person"),
        ("application", application(claims)),
        ("object id", text_of(claims, "oid")),
        ("tenant", text_of(claims, "tid")),
        ("audience", text_of(claims, "aud")),
        ("scopes", text_of(claims, "scp")),
        ("roles", " ".join(map(str, claims["roles"])) if isinstance(claims.get("roles"), list) else None),
        ("issuer", text_of(claims, "iss")),
        ("issued", _when(instant(found, "iat"), now)),
        ("expires", _when(instant(found, "exp"), now)),
    ]
    return [(label, value) for label, value in rows if value]


def _when(at: float | None, now: float) -> str | None:
    from datetime import datetime, timezone

    if at is None:
        return None
    words = f"in {in_words(at - now)}" if at > now else f"{in_words(now - at)} ago"
    try:
        return f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M:%S} UTC, {words}"
    except (OverflowError, ValueError, OSError):
        return f"{at:.0f}, which is no date"
