"""What holds for every subcommand: help, completion, statuses, and no traceback."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from cli.command import COMMAND, environ_of, run, start
from entra_tokens import (
    AuthenticationFailed,
    AuthorityUnavailable,
    ConfigurationError,
    ConsentRequired,
    CredentialUnavailable,
    EntraTokensError,
    InteractionRequired,
    InvalidCredential,
    StoreError,
    TokenTimeout,
)
from entra_tokens.cli import doctor_table, talk
from entra_tokens.cli.app import COMMANDS, group
from entra_tokens.cli.checks.finding import Finding
from entra_tokens.cli.exits import ending
from entra_tokens.cli.watch_screen import screen
from entra_tokens.cli.watched import Row

ROOT = Path(__file__).parents[2]
MARKER = "PLANTED-secret"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "emulator"])
def test_the_help_of_each_has_examples_and_fits(name: str) -> None:
    done = CliRunner().invoke(group, [name, "--help"], prog_name="entra-tokens", terminal_width=80)
    assert done.exit_code == 0
    assert f"Usage: entra-tokens {name}" in done.output
    assert f"entra-tokens {name}" in done.output.partition("Example")[2]
    assert max(map(len, done.output.splitlines())) <= 100


def test_each_command_has_its_place_in_the_document() -> None:
    text = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`{name}`" not in text] == []


def test_the_command_by_itself_is_its_help(tmp_path: Path) -> None:
    environ = environ_of(tmp_path, {"COLUMNS": "44"})
    done = run(environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    listed = done.stdout.partition("\nCommands:")[2]
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert max(map(len, listed.splitlines())) <= 44
    wrong = run("tokn", environ=environ)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "entra-tokens --help" in wrong.stderr
    assert not any(tmp_path.iterdir())


def test_a_stdout_that_takes_nothing_ends_in_a_sentence(here: dict[str, str]) -> None:
    assert run("token", "--scope", "api://full/.default", environ=here).returncode == 0
    for script, says in (
        ('"$0" token --scope api://full/.default > /dev/full', "No space left on device"),  # the one in the store
        ('"$0" --version > /dev/full', "No space left on device"),
        ('"$0" token --scope api://full/.default >&-', "it is closed"),
    ):
        done = subprocess.run(["sh", "-c", script, COMMAND], env=here, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (7, f"entra-tokens: stdout takes nothing: {says}.\n")


def test_what_others_wrote_gives_the_terminal_no_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b]0;x\x07\x9b2J\u202e[/b]\r\nsigned in"
    safe = "a?]0;x??2J?[/b]??signed in"
    file = tmp_path / "config.toml"
    file.write_text(f"[profiles.default]\nscope = {json.dumps(evil)}\n[profiles.{json.dumps(evil)}]\n")
    shown = run("config", environ=environ_of(tmp_path))
    assert f"scope       {safe}  " in shown.stdout
    assert f"has the profiles {safe}, default.\n" in shown.stderr
    missing = run("config", "--profile", "$(id)\x1b[1m", environ=environ_of(tmp_path)).stderr
    assert "\x1b" not in missing
    assert "--profile '$(id)' scope" in run("config", "--profile", "$(id)", environ=environ_of(tmp_path)).stderr
    talk.say(f"No. {evil}")
    doctor_table.show({"Server": [Finding("says", "fail", evil, evil)]}, {"Server": evil})
    for width in (40, 90):
        row = Row(evil, evil, "fresh", error=evil)
        Console(width=width, force_terminal=False).print(screen([row], [], width=width, keys=False))
    written = capsys.readouterr()
    everything = written.out + written.err
    assert not set("\x1b\x07\x9b\u202e\r") & set(everything)
    assert "[/b]" in written.out  # no markup


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CredentialUnavailable("x"), 3),
        (AuthenticationFailed("x"), 4),
        (InvalidCredential("x"), 4),
        (InteractionRequired("x"), 5),
        (ConsentRequired("x"), 5),
        (AuthorityUnavailable("x"), 6),
        (TokenTimeout("x"), 6),
        (ConfigurationError("x"), 7),
        (StoreError("x"), 7),
        (PermissionError(13, "Permission denied", "/some/file"), 7),
        (EntraTokensError("x"), 1),
        (RuntimeError(MARKER), 1),
        (pickle.PicklingError(MARKER), 1),
    ],
)
def test_errors_have_statuses_and_texts(error: Exception, status: int) -> None:
    found, text = ending(error)
    assert found == status
    assert text
    assert MARKER not in text  # a foreign error's text may hold anything


def test_an_extra_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "starlette").mkdir()
    (tmp_path / "starlette" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'starlette'\", name='starlette')"
    )
    environ = environ_of(tmp_path / "home")
    environ["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{environ['PYTHONPATH']}"
    done = run("emulator", environ=environ)
    assert done.returncode == 7
    assert 'pip install "entra-tokens[emulator]"' in done.stderr


def test_the_emulator_as_a_command(tmp_path: Path) -> None:
    shown = CliRunner().invoke(group, ["emulator", "--help"], prog_name="entra-tokens")
    assert "usage: entra-tokens emulator" in shown.output
    assert "\n  entra-tokens emulator --place imds\n" in shown.output
    environ = environ_of(tmp_path / "home")
    with start("emulator", "--lifetime", "60", environ=environ, stdin=subprocess.PIPE) as process:
        assert process.stdout
        facts = json.loads(process.stdout.readline())
        _, errors = process.communicate()  # closes its stdin, and with that it ends
    assert (process.returncode, errors) == (0, "")
    assert facts["authority"].startswith("https://localhost:")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700  # sign-ins and tokens come there, too


def test_a_shell_completes(tmp_path: Path) -> None:
    environ = {**environ_of(tmp_path), "PATH": f"{os.path.dirname(COMMAND)}:/usr/bin:/bin"}
    (tmp_path / "config.toml").write_text("[profiles.work]\n[profiles.home]\n")
    script = """
        eval "$(entra-tokens completion bash)"
        COMP_WORDS=(entra-tokens token --cred) COMP_CWORD=2
        _entra_tokens_completion entra-tokens
        echo "${COMPREPLY[@]}"
        COMP_WORDS=(entra-tokens token --profile w) COMP_CWORD=3 COMPREPLY=()
        _entra_tokens_completion entra-tokens
        echo "${COMPREPLY[@]}"
        COMP_WORDS=(entra-tokens lo) COMP_CWORD=1 COMPREPLY=()
        _entra_tokens_completion entra-tokens
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["--credential", "work", "login", "logout"]
    assert done.stderr == ""
    for shell in ("zsh", "fish"):
        made = CliRunner().invoke(group, ["completion", shell], prog_name="entra-tokens")
        assert "_ENTRA_TOKENS_COMPLETE" in made.output
