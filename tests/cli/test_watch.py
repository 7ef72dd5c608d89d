"""`entra-tokens watch`: what it shows, with a terminal and without, and how it is left."""

from __future__ import annotations

import json
import shlex
import signal
from typing import TYPE_CHECKING

from cli.command import COMMAND, environ_of, run, start
from cli.terminal import plain, show
from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

SCOPE = "api://watch-test/.default"


def lines_until(process: subprocess.Popen[str], *wanted: str) -> list[str]:
    """What it writes, up to the line in which the last of these is found, each after the one before."""
    assert process.stdout
    left, seen = list(wanted), []
    for line in process.stdout:
        seen.append(line)
        if left[0] in line:
            left.pop(0)
        if not left:
            return seen
    raise AssertionError("".join(seen))


def test_without_a_terminal_it_writes_what_happens(tmp_path: Path) -> None:
    with Emulator(lifetime=2) as emulator:
        environ = environ_of(tmp_path, emulator.environ("app_service"))
        arguments = ["--credential", "managed-identity", "--scope", SCOPE, "--every", "0.3"]
        with start("watch", *arguments, environ=environ) as process:
            try:
                seen = lines_until(process, " renewed: ", " fresh ", " renewed: ")
                emulator.fail("app_service", status=503)
                seen += lines_until(process, " renewal failed: ", "last error: ")
            finally:
                process.send_signal(signal.SIGINT)
            assert process.stderr
            assert "Traceback" not in process.stderr.read()
        assert process.returncode == 0
    assert f"renewed: {SCOPE}, good for " in "".join(seen)
    assert "eyJ" not in "".join(seen)


def test_as_json_and_without_a_scope_it_shows_what_is_stored(here: dict[str, str]) -> None:
    assert run("exec", "--scope", SCOPE, "--", "true", environ=here).returncode == 0
    with start("watch", "--json", environ=here) as process:
        assert process.stdout
        try:
            picture = json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=50)  # a pipe that is closed first would end it otherwise
    assert process.returncode == 0
    (token,) = picture["tokens"]
    assert token["state"] == "stored"
    assert token["scopes"] == SCOPE
    assert token["who"].startswith("application ")
    assert token["expires_on"] > picture["at"]


def test_in_a_terminal_it_shows_a_picture_until_q(here: dict[str, str]) -> None:
    keys = ["q"]

    def react(seen: str, type_: Callable[[str], None], _: subprocess.Popen[bytes]) -> None:
        if keys and "fresh" in seen and "renewed" in seen:
            type_(keys.pop())

    # What is left behind is a terminal as it was: it echoes, and waits for Enter.
    program = f"{shlex.quote(COMMAND)} watch --scope {SCOPE}; echo status $?; stty -a"
    _, seen = show(["/bin/sh", "-c", program], here, columns=60, react=react)
    text = plain(seen)
    assert "status 0" in text
    assert " icanon" in text
    assert " echo " in text
    assert f"fresh  {SCOPE}" in text
    assert "q or Ctrl-C leaves" in text
    assert "\x1b[?1049l" in seen, "the screen that was there is back"


def test_a_credential_that_does_not_work_is_shown_and_tried_again(here: dict[str, str]) -> None:
    wrong = {**here, "IDENTITY_HEADER": "wrong"}
    with start("watch", "--scope", SCOPE, "--every", "0.3", environ=wrong) as process:
        try:
            seen = lines_until(process, " none ", "last error: ")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=50)  # a pipe that is closed first would end it otherwise
    assert process.returncode == 0
    assert here["IDENTITY_HEADER"] not in "".join(seen)
