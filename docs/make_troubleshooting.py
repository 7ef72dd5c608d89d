"""Write the AADSTS tables into docs/troubleshooting.md, from the table that the package itself uses.

.venv/bin/python docs/make_troubleshooting.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src")]

from entra_tokens.authority.aadsts import table  # noqa: E402

if TYPE_CHECKING:
    from entra_tokens.authority.aadsts import Meaning

DOCUMENT = ROOT / "docs" / "troubleshooting.md"
BEGIN, END = "<!-- aadsts:begin, made by docs/make_troubleshooting.py -->", "<!-- aadsts:end -->"
HEADINGS = {
    "InvalidCredential": "The secret, certificate, assertion or application",
    "AuthenticationFailed": "The request, the tenant or its policies",
    "InteractionRequired": "A person has to sign in",
    "ConsentRequired": "Somebody has to consent",
    "AuthorityUnavailable": "Entra cannot answer now",
}


def tables() -> str:
    """The tables, one for each class of error; within one, the numbers that are met most come first."""
    rows = list(table().values())
    parts = []
    for kind, heading in HEADINGS.items():
        parts += [f"### {heading}", "", f"Raised as `{kind}`.", ""]
        parts += ["| number | what it means | what to do |", "|---|---|---|"]
        parts += [line(row) for row in rows if row.kind == kind]
        parts.append("")
    return "\n".join(parts)


def line(row: Meaning) -> str:
    """A number's line: the next step stands out."""
    number = f'<a id="{row.anchor}"></a>[AADSTS{row.code}]({row.source})'
    return f"| {number} | {row.meaning} | **{row.step}**{row.remedy.removeprefix(row.step)} |"


def with_tables(text: str) -> str:
    """The document with the tables as they ought to be."""
    before, _, tail = text.partition(BEGIN)
    _, _, after = tail.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
