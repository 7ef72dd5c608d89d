"""Every `entra-tokens` line of the documents has a subcommand and options that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from entra_tokens.cli.app import group

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(entra-tokens [^`]*)`")


def lines(text: str) -> list[str]:
    """The command lines, those of code blocks and those in the text, without what a shell does with them."""
    blocks = [line.removeprefix("$ ") for block in BLOCK.findall(text) for line in block.splitlines()]
    found = blocks + INLINE.findall(text)
    return [re.split(r"\\?[|>&#;]", line)[0] for line in found if line.startswith("entra-tokens ")]


def parsed(line: str) -> None:
    """Raise a click error if the line is not one that the command takes; nothing is run."""
    name, *arguments = shlex.split(line)[1:]
    parent = click.Context(group)
    command = group.get_command(parent, name)
    assert command is not None, f"there is no {name}"
    command.make_context(name, arguments, parent=parent, resilient_parsing=False)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_are_there(document: Path) -> None:
    for line in lines(document.read_text(encoding="utf-8")):
        if "…" in line or "--help" in line or "[" in line or len(line.split()) < 2:
            continue
        try:
            parsed(line)
        except click.MissingParameter:  # a command that is only named
            assert len(line.split()) == 2, line
        except click.ClickException as error:
            pytest.fail(f"{line}: {error.format_message()}")


def test_a_wrong_line_is_seen() -> None:
    for line in ("entra-tokens nothing", "entra-tokens serve --no-such-option", "entra-tokens serve --port x"):
        with pytest.raises((click.ClickException, AssertionError)):
            parsed(line)
    assert lines("```sh\nentra-tokens doctor --json | jq .\n```\n`entra-tokens watch`") == [
        "entra-tokens doctor --json ",
        "entra-tokens watch",
    ]
