"""Every Python block of the documents runs: unmodified but for the placeholders of addresses and scopes.

The blocks of a document are one program. One that cannot run has a comment before it that says why:
`<!-- not run: reason -->`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entra_tokens import ClientSecret, TokenProvider
from entra_tokens.emulator import Emulator
from programs import Program, failures, run

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})
BLOCK = re.compile(
    r"(?P<why><!-- not run: .+? -->\n+)?^(?P<indent> *)```python\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
ALLOWED_UNRUN = 1

Block = tuple[int, str]


def blocks(text: str) -> tuple[list[Block], list[str]]:
    """The blocks to run, each with the number of lines above it, and the reasons why others are not."""
    found: list[Block] = []
    reasons: list[str] = []
    for match in BLOCK.finditer(text):
        if match["why"]:
            reasons.append(match["why"].strip())
            continue
        above = text[: match.start("code")].count("\n")
        lines = match["code"].splitlines(keepends=True)
        found.append((above, "".join(line.removeprefix(match["indent"]) for line in lines)))
    return found, reasons


def placed(code: str, emulator: Emulator) -> str:
    """The code with the emulator in the place of the example's server."""
    there = {"https://h2ogpte.example.com": emulator.h2ogpte_url, "api://h2ogpte/.default": emulator.h2ogpte_scope}
    for placeholder, real in there.items():
        code = code.replace(placeholder, real)
    return code


def test_a_block_is_found_where_it_stands() -> None:
    text = "a\n```python\none\n```\n1. b\n\n   ```python\n   two\n   ```\n<!-- not run: no -->\n```python\nx\n```\n"
    assert blocks(text) == ([(2, "one\n"), (7, "two\n")], ["<!-- not run: no -->"])


def test_nearly_all_blocks_run() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    assert sum(text.count("```python\n") for text in texts) == sum(
        len(found) + len(reasons) for found, reasons in map(blocks, texts)
    )
    assert sum(len(blocks(text)[1]) for text in texts) <= ALLOWED_UNRUN


@pytest.mark.timeout(120)
def test_every_block_runs(tmp_path: Path) -> None:
    with Emulator() as emulator:
        credential = ClientSecret(
            emulator.tenant_id,
            emulator.client_id,
            emulator.client_secret,
            authority=emulator.authority,
            verify=emulator.ca_file,
        )
        environ = {
            "SSL_CERT_FILE": emulator.ca_file,
            "REQUESTS_CA_BUNDLE": emulator.ca_file,
            "WORKING_TOKEN": str(TokenProvider(credential, emulator.h2ogpte_scope).token()),
            **emulator.environ("imds"),
        }
        programs = []
        for path in DOCUMENTS:
            found, _ = blocks(path.read_text(encoding="utf-8"))
            if found:
                programs.append(Program(path, environ, [(line, placed(code, emulator)) for line, code in found]))
        # Last: h2ogpte.shared_client, which it imports, switches the warnings of the whole process off.
        programs.sort(key=lambda program: program.path.name == "README.md")
        run(programs, tmp_path)
        said = "\n".join(program.output for program in programs)
        assert not failures(programs), failures(programs)
        assert emulator.front.verified > 0
        assert emulator.front.refused == 0
        assert "You asked: What is a token?" in said
        assert f"\n{emulator.directory.h2ogpte_id}\n" in f"\n{said}"
