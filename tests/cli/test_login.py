"""`login` as a person meets it, on a terminal and without one; `logout`, `accounts` and `whoami` after it."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cli.command import environ_of, run, start
from cli.keyboard import Terminal
from entra_tokens import ConfigurationError
from entra_tokens.cli.app import group

if TYPE_CHECKING:
    from pathlib import Path

    from entra_tokens.emulator import Emulator

CODE = r"enter the code\s+([A-Z0-9]{9})\b"


@pytest.fixture
def environ(tmp_path: Path, emulator: Emulator) -> dict[str, str]:
    emulator.clear()
    # No tool of this machine, and no session of whoever runs the tests.
    none = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "TMUX", "BROWSER"), "")
    return {**environ_of(tmp_path / "home", none), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}


@pytest.fixture
def way(emulator: Emulator) -> list[str]:
    """The flags of a sign-in."""
    names = {"--authority": emulator.authority, "--ca": emulator.ca_file, "--tenant": emulator.tenant_id}
    names |= {"--client-id": emulator.client_id}
    return [part for pair in names.items() for part in pair]


def tool(folder: Path, name: str, script: str) -> None:
    """A program that the command will find."""
    (folder / "bin").mkdir(exist_ok=True)
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def shown(process: Any) -> tuple[str, str]:
    """The code that a process without a terminal shows, and what it has said so far."""
    said = ""
    while not (found := re.search(CODE, said)):
        line = process.stderr.readline()
        assert line, said
        said += line
    return found[1], said


def test_a_first_sign_in_on_a_terminal(
    tmp_path: Path, environ: dict[str, str], way: list[str], emulator: Emulator
) -> None:
    tool(tmp_path, "xclip", f"cat > {tmp_path}/clipboard")
    tool(tmp_path, "browser", f'printf %s "$1" > {tmp_path}/page')
    environ |= {"DISPLAY": ":99", "BROWSER": f"{tmp_path}/bin/browser %s"}
    scope = emulator.h2ogpte_scope
    with Terminal("login", *way, "--scope", scope, "--profile", "work", environ=environ, columns=70) as terminal:
        code = terminal.until(CODE)[1]
        terminal.until("▀▄|▄▀")
        terminal.until("Press Enter to copy the code and open the page; Ctrl-C to leave")
        terminal.until(r"Waiting: 14:\d\d left")
        terminal.type("\n")
        terminal.until("The code is copied. The page opens in your browser.")
        assert (tmp_path / "clipboard").read_text() == code
        assert (tmp_path / "page").read_text() == f"{emulator.authority}/device"
        emulator.approve(code)
        assert terminal.ended() == 0
        said = terminal.text
    assert re.search(r"Signed in as ada@emulator\.example", said)
    assert "Next: entra-tokens token" in said
    assert max(map(len, said.splitlines())) <= 110  # an address is not broken

    environ["ENTRA_TOKENS_PROFILE"] = "work"
    emulator.clear()
    token = run("token", environ=environ)
    assert (token.returncode, token.stderr) == (0, "")
    assert token.stdout.count(".") == 2
    assert not emulator.requests  # it is the one that came with the sign-in
    (account,) = json.loads(run("accounts", "--json", environ=environ).stdout)
    assert account["username"] == "ada@emulator.example"
    assert json.loads(run("whoami", "--json", environ=environ).stdout)["tenant_id"] == emulator.tenant_id

    gone = run("logout", environ=environ)
    assert (gone.returncode, gone.stdout) == (0, "")
    assert "Signed out ada@emulator.example" in gone.stderr
    after = run("token", environ=environ)
    assert (after.returncode, after.stdout) == (5, "")
    assert after.stderr.endswith("Type: entra-tokens login\n")
    assert "Nobody is signed in here" in run("accounts", environ=environ).stderr


def test_processes_that_need_the_same_sign_in_ask_once(
    environ: dict[str, str], way: list[str], emulator: Emulator
) -> None:
    with start("login", *way, environ=environ) as first:
        assert first.stderr
        code, said = shown(first)
        with start("login", *way, "--json", "--no-save", environ=environ) as second:
            assert second.stdout
            assert second.stderr
            waits = second.stderr.readline()
            with start("token", "--credential", "device-code", *way, "--scope", "api://x", environ=environ) as third:
                assert third.stdout
                assert third.stderr
                waits_too = third.stderr.readline()
                emulator.approve(code)
                account = json.loads(second.stdout.read())
                token = third.stdout.read()
        rest = first.stderr.read()
    assert (first.returncode, second.returncode, third.returncode) == (0, 0, 0)
    assert "waits and will use it" in waits
    assert "waits and will use it" in waits_too
    assert token.count(".") == 2
    assert "The code is good for 1" in said + rest
    assert account["username"] == "ada@emulator.example"
    assert len([one for one in emulator.requests if one.target == "device"]) == 1
    assert "Press Enter" not in said + rest
    assert "\x1b" not in said + rest
    with emulator.fail("token", error=70043):  # it has run out
        expired = run("token", "--scope", "api://another", environ=environ)
    assert (expired.returncode, expired.stdout) == (5, "")
    assert "AADSTS70043" in expired.stderr
    assert expired.stderr.endswith("Type: entra-tokens login --scope api://another --no-save\n")


def test_over_ssh_on_a_narrow_terminal_and_left_with_ctrl_c(
    environ: dict[str, str], way: list[str], emulator: Emulator
) -> None:
    environ |= {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "DISPLAY": ":99"}
    with Terminal("login", *way, environ=environ, columns=24) as terminal:
        code = terminal.until(CODE)[1]
        terminal.until("Waiting: ")
        terminal.type("\n")
        terminal.until("The code is copied")
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert f"\x1b]52;c;{base64.b64encode(code.encode()).decode()}\x07" in terminal.raw
    assert "browser" not in terminal.text  # it would open over there
    assert "█" not in terminal.text  # does not fit
    assert "Traceback" not in terminal.text
    # Nothing is left behind that the next one would wait for.
    with start("login", *way, environ=environ) as again:
        code, said = shown(again)
        assert "Another" not in said
        emulator.approve(code)
        again.communicate()
    assert again.returncode == 0


def test_a_terminal_without_utf_8_or_colours_and_a_person_who_declines(
    environ: dict[str, str], way: list[str], emulator: Emulator
) -> None:
    environ |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    with Terminal("login", *way, environ=environ) as terminal:
        code = terminal.until(CODE)[1]
        terminal.until("Waiting: ")
        emulator.decline(code)
        assert terminal.ended() == 5
    assert terminal.raw.isascii()
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.raw)
    assert "declined" in terminal.text
    assert "Type: entra-tokens login" in terminal.text


def test_in_the_browser(tmp_path: Path, environ: dict[str, str], way: list[str], emulator: Emulator) -> None:
    os.mkfifo(tmp_path / "page")
    tool(tmp_path, "browser", f'printf %s "$1" > {tmp_path}/page; echo noise; echo noise >&2')
    environ["BROWSER"] = f"{tmp_path}/bin/browser %s"
    with start("login", "--browser", *way, "--json", environ=environ) as process:
        address = (tmp_path / "page").read_text()
        person = threading.Thread(target=emulator.browse, args=[address])
        person.start()
        stdout, stderr = process.communicate()
        person.join()
    assert process.returncode == 0
    assert json.loads(stdout)["username"] == "ada@emulator.example"
    assert "noise" not in stderr
    assert 'credential = "browser"' in (tmp_path / "home" / "config.toml").read_text()

    del environ["BROWSER"]
    none = run("login", environ=environ)  # the profile remembers how
    assert none.returncode == 3
    assert "Type: entra-tokens login --credential device-code" in none.stderr


def test_what_cannot_be_signed_in_to(environ: dict[str, str], way: list[str], emulator: Emulator) -> None:
    first = run("login", environ=environ)
    assert first.returncode == 7
    assert "--client-id ID" in first.stderr
    wrong = run("login", *way[:4], "--tenant", "no-such-tenant.example", *way[6:], environ=environ)
    assert wrong.returncode == 4
    assert "AADSTS90002" in wrong.stderr
    assert (first.stdout, wrong.stdout) == ("", "")
    service = CliRunner().invoke(group, ["login", "--credential", "client-secret"])
    assert (service.exit_code, "Leave it out" in service.output) == (2, True)


@pytest.mark.parametrize("line", ["accounts", "logout --all", "whoami --credential device-code --client-id x"])
def test_who_only_asks_makes_nothing(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(tmp_path / "home"))
    done = CliRunner().invoke(group, line.split())
    assert "obody is signed in here" in f"{done.output}{done.exception}"
    assert not any(tmp_path.iterdir())


def test_a_ca_file_that_cannot_be_one_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(tmp_path / "home"))
    pipe, other = tmp_path / "pipe", tmp_path / "other"
    os.mkfifo(pipe)
    other.write_text("no certificate")
    for ca, says in ((tmp_path / "none", "No such file"), (pipe, "but a pipe"), (other, "as PEM")):
        for line in ("login", "token --scope x --credential device-code", "doctor", "serve --credential device-code"):
            done = CliRunner().invoke(group, [*line.split(), "--client-id", "x", "--ca", str(ca)])
            assert isinstance(done.exception, ConfigurationError), line
            assert says in str(done.exception)
            assert not (tmp_path / "home").exists()
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(pipe))
    done = CliRunner().invoke(group, "token --credential client-certificate --tenant x --client-id x --scope x")
    assert "but a pipe" in str(done.exception)
