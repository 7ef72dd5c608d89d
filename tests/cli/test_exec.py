"""`entra-tokens exec`: what a command finds, how it ends, who gets which signal, what Azure's libraries get."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cli.command import COMMAND, environ_of, run, start
from cli.terminal import show
from entra_tokens import Token
from entra_tokens.cli.app import group
from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

SCOPE = "api://exec-test/.default"
SHOW = [sys.executable, "-c", "import json, os, sys; json.dump(dict(os.environ), sys.stdout)"]
# What would sign in past what the command is given.
PAST_IT = {
    "AZURE_CLIENT_SECRET": "planted",
    "AZURE_CLIENT_CERTIFICATE_PATH": "planted",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "planted",
    "AZURE_FEDERATED_TOKEN_FILE": "planted",
    "IMDS_ENDPOINT": "planted",
    "MSI_SECRET": "planted",
    "MSI_ENDPOINT": "http://planted",
    "AZURE_PASSWORD": "planted",
}


def test_a_command_finds_a_token_and_nothing_that_goes_past_it(here: dict[str, str]) -> None:
    ended = run("exec", "--scope", SCOPE, "--", *SHOW, environ={**here, **PAST_IT, "AZURE_TENANT_ID": "stays"})
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    claims = Token(found["ENTRA_TOKEN"], expires_on=0).claims()
    assert claims["aud"] == "api://exec-test"
    assert abs(int(found["ENTRA_TOKEN_EXPIRES_ON"]) - claims["exp"]) <= 1
    assert found["H2OGPTE_AZURE_TOKEN"] == found["ENTRA_TOKEN"]
    assert not {*PAST_IT, "IDENTITY_ENDPOINT", "IDENTITY_HEADER"} & found.keys()
    assert "planted" not in found.values()
    assert found["AZURE_TENANT_ID"] == "stays"
    assert found["ENTRA_TOKEN"] not in ended.stderr


def test_with_serve_it_finds_the_way_to_the_endpoint_and_no_proxy_before_it(here: dict[str, str]) -> None:
    more = {"HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "a.example", "AZURE_TOKEN_CREDENTIALS": "dev"}
    environ = {**here, **PAST_IT, **more, "ENTRA_TOKEN": "of before"}
    ended = run("exec", "--serve", "--imds", "--", *SHOW, environ=environ)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["AZURE_POD_IDENTITY_AUTHORITY_HOST"].startswith("http://127.0.0.1:")
    gone = {*PAST_IT, "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "ENTRA_TOKEN", "AZURE_TOKEN_CREDENTIALS"}
    assert not gone & found.keys()
    assert found["no_proxy"] == found["NO_PROXY"] == "a.example,127.0.0.1"


def test_the_end_is_the_commands_own(here: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no program")
    wanted = {
        ("--scope", SCOPE, "no-such-command"): 127,
        ("--scope", SCOPE, "--", str(file)): 126,
        ("--serve", "--", "sh", "-c", "exit 42"): 42,
        ("--serve", "no-such-command"): 127,
        ("--serve", "--", "sh", "-c", "kill -TERM $$"): -signal.SIGTERM,
    }
    # Together: most of their time is spent starting Python.
    running = {arguments: start("exec", *arguments, environ=here) for arguments in wanted}
    ended = {}
    for arguments, process in running.items():
        out, err = process.communicate(timeout=50)
        ended[arguments] = process.returncode
        assert out == ""
        assert ("there is no such command" in err) == ("no-such-command" in arguments)
        assert ("cannot be run" in err) == (str(file) in arguments)
        assert "Traceback" not in err
    assert ended == wanted


@pytest.mark.parametrize(
    ("arguments", "variables", "status"),
    [
        (["exec", "--scope", SCOPE], {}, 2),
        (["exec", "true"], {}, 7),
        (["exec", "--scope", SCOPE, "true"], {"IDENTITY_HEADER": "wrong"}, 4),
        (["exec", "--serve", "--scope", SCOPE, "true"], {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/"}, 3),
    ],
)
def test_without_a_token_the_command_is_not_run(
    arguments: list[str], variables: dict[str, str], status: int, here: dict[str, str]
) -> None:
    ended = run(*arguments, environ={**here, **variables})
    assert ended.returncode == status, ended.stderr
    assert ended.stdout == ""


def test_what_is_refused_is_not_in_the_help() -> None:
    assert "azure-cli" not in CliRunner().invoke(group, ["login", "--help"]).output
    assert "--json" not in CliRunner().invoke(group, ["exec", "--help"]).output
    refused = CliRunner().invoke(group, ["exec", "--json", "true"])
    assert (refused.exit_code, "no result of its own" in refused.output) == (2, True)


# Blocked and waited for: a handler would be called late for a signal that comes on the way into a wait.
REPORTS = """
import signal, sys
wanted = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
while (number := signal.sigwait(wanted)) != signal.SIGUSR1:
    print(signal.Signals(number).name, flush=True)
sys.exit(9)
"""


def test_signals_reach_the_command_once(here: dict[str, str]) -> None:
    process = start("exec", "--serve", "--", sys.executable, "-c", REPORTS, environ=here, start_new_session=True)
    assert process.stdout
    with process:
        assert process.stdout.readline() == "ready\n"
        for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            process.send_signal(one)
            assert process.stdout.readline() == one.name + "\n"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.read() == ""
    assert process.returncode == 9


def test_ctrl_c_in_a_terminal_reaches_it_once(here: dict[str, str]) -> None:
    """The terminal sends it to the command itself; and the endpoint outlives it as long as the command does."""
    waited_for = ["ready\r\n", "SIGINT"]  # without its end: the terminal's own "^C" may come before that

    def react(seen: str, type_: Callable[[str], None], process: subprocess.Popen[bytes]) -> None:
        if waited_for and waited_for[0] in seen:
            if waited_for.pop(0) == "ready\r\n":
                type_("\x03")
            else:
                process.send_signal(signal.SIGUSR1)

    program = [COMMAND, "exec", "--serve", "--", sys.executable, "-c", REPORTS]
    status, seen = show(program, here, react=react)
    assert status == 9
    assert seen.count("SIGINT") == 1


ASK = """
import asyncio, json, sys
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.identity import aio
scope = sys.argv[1]
got = []
for one in (ManagedIdentityCredential(), DefaultAzureCredential(), ManagedIdentityCredential(client_id="some-id")):
    with one:
        got.append((one.get_token(scope).token, one.get_token_info(scope).expires_on))
async def ask():
    for one in (aio.ManagedIdentityCredential(), aio.DefaultAzureCredential()):
        async with one:
            got.append(((await one.get_token(scope)).token, (await one.get_token_info(scope)).expires_on))
asyncio.run(ask())
from entra_tokens import ManagedIdentity, TokenProvider
ours = TokenProvider(ManagedIdentity(), scope).token()
got.append((str(ours), int(ours.expires_on)))
json.dump(got, sys.stdout)
"""


@pytest.mark.parametrize("form", [[], ["--imds"]])
def test_unmodified_azure_identity_gets_tokens(form: list[str], here: dict[str, str], emulator: Emulator) -> None:
    before = len(emulator.requests)
    scope = f"api://unmodified{len(form)}/.default"
    arguments = ["exec", "--serve", *form, "--scope", scope, "--", sys.executable, "-c", ASK, scope]
    # A proxy that is set must not be asked for what is on this machine; this one would not answer.
    ended = run(*arguments, environ={**here, **PAST_IT, "HTTP_PROXY": "http://127.0.0.1:9"})
    assert ended.returncode == 0, ended.stderr
    got = json.loads(ended.stdout)
    assert len(got) == 6
    assert len({token for token, _ in got}) == 1
    claims = Token(got[0][0], expires_on=0).claims()
    assert claims["aud"] == scope.removesuffix("/.default")
    assert all(abs(expires_on - claims["exp"]) <= 2 for _, expires_on in got)
    assert len(emulator.requests) - before == 1


RENEWED = """
import json, os, threading, urllib.request
def ask():
    url = os.environ["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=api://renewed"
    asked = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)["access_token"]
first, woken = ask(), threading.Event()
while ask() == first:
    woken.wait(0.1)
print("renewed")
"""


def test_a_command_outlives_its_first_token(tmp_path: Path) -> None:
    with Emulator(lifetime=2) as emulator:
        environ = environ_of(tmp_path, emulator.environ("app_service"))
        arguments = ["--credential", "managed-identity", "--serve", "--", sys.executable, "-c", RENEWED]
        ended = run("exec", *arguments, environ=environ)
    assert ended.stdout == "renewed\n", ended.stderr
