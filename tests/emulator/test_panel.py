"""The command as a person starts it: in a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from entra_tokens.emulator.__main__ import main
from entra_tokens.emulator.panel import export_lines, show

if TYPE_CHECKING:
    from entra_tokens.emulator import Emulator

COMMAND = [sys.executable, "-m", "entra_tokens.emulator"]


def started_in_a_terminal(*arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
    finally:
        os.close(theirs)
    return process, ours


def read_until(terminal: int, words: bytes) -> bytes:
    said = b""
    while words not in said:
        said += os.read(terminal, 4096)
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(number: signal.Signals) -> None:
    process, terminal = started_in_a_terminal("--place=imds")
    said = read_until(terminal, b"AZURE_POD_IDENTITY_AUTHORITY_HOST=")
    process.send_signal(number)
    assert process.wait(30) == 0
    try:
        while more := os.read(terminal, 4096):
            said += more
    except OSError:  # Linux's word for a terminal that nobody is at any more
        pass
    os.close(terminal)
    assert b"Control room" in said
    assert b"Ctrl-C ends it" in said
    assert b"Traceback" not in said
    assert not said.lstrip().startswith(b"{")


def test_a_program_that_has_a_terminal_asks_for_json() -> None:
    process, terminal = started_in_a_terminal("--json")
    facts = json.loads(read_until(terminal, b"\n"))
    assert facts["control_room_url"].startswith("http://localhost:")
    process.terminate()
    assert process.wait(30) == 0
    os.close(terminal)


def shown(emulator: Emulator, place: str | None = None, width: int = 60) -> str:
    console = Console(file=io.StringIO(), width=width)
    environs = {name: emulator.environ(name) for name in ("imds", "client_secret", "azure_cli")}
    show(emulator, environs, place, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_person_finds_everything(e: Emulator) -> None:
    text = shown(e, width=200)
    for value in (e.authority, e.managed_identity_url, e.h2ogpte_url, e.h2ogpte_scope, e.ca_file, e.control_room_url):
        assert f" {value} " in text
    assert "# others, by --place NAME: azure_cli\n" in text
    assert e.control_secret not in text


def test_the_lines_can_be_pasted_whatever_the_width(e: Emulator) -> None:
    lines = [line for line in shown(e, width=40).splitlines() if line.startswith("export ")]
    pasted = dict(re.fullmatch(r"(\w+)=(.*)", shlex.split(line)[1]).groups() for line in lines)  # type: ignore[union-attr]
    assert pasted == {**e.environ("imds"), **e.environ("client_secret")}


def test_one_place(e: Emulator) -> None:
    text = shown(e, "azure_cli")
    folder = e.environ("azure_cli")["PATH"].partition(":")[0]
    assert f'export PATH={folder}:"$PATH"\n' in text
    assert "AZURE_CLIENT_SECRET" not in text
    assert "others" not in text


def test_a_place_that_cannot_be_had_is_said(e: Emulator) -> None:
    assert "# arc cannot be had here" in shown(e, "arc")


def test_a_value_is_quoted() -> None:
    assert export_lines({"A": "it's $HOME; rm"}) == ["""export A='it'"'"'s $HOME; rm'"""]


def test_it_is_called_what_it_was_started_as(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"], prog="entra-tokens emulator")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: entra-tokens emulator [-h]")
