"""`entra-tokens serve`: what it prints, how it ends, and a thousand clients at once."""

from __future__ import annotations

import json
import resource
import selectors
import shlex
import signal
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from cli.command import COMMAND, run, start
from serving.kit import address_of, raw, reply, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entra_tokens.emulator import Emulator


@contextmanager
def room_for(descriptors: int) -> Iterator[None]:
    """This process may open that many, whatever it was started with."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1] if before[1] != resource.RLIM_INFINITY else descriptors
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(descriptors, hard)), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def variables_of(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it prints with --json: one line, when it answers."""
    assert process.stdout
    variables: dict[str, str] = json.loads(process.stdout.readline())
    return variables


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_a_shell_exports_and_ends_when_told(number: signal.Signals, here: dict[str, str]) -> None:
    imds = ["--imds"] if number == signal.SIGTERM else []
    process = start("serve", *imds, "--scope", "api://serve-test", environ=here)
    with process:
        assert process.stdout
        assert process.stderr
        lines = [process.stdout.readline() for _ in range(1 if imds else 2)]
        shown = "env -i sh -c " + shlex.quote("".join(lines) + "env")
        exported = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True).stdout
        environ = dict(line.split("=", 1) for line in exported.splitlines())
        version = "2018-02-01" if imds else "2019-08-01"
        for name, status in (("api://serve-test", 200), ("api://another", 400)):
            asked = request(environ, query=f"api-version={version}&resource={name}")
            assert reply(raw(environ, asked)).status == status
        process.send_signal(number)
        assert process.stdout.read() == ""
        talk = process.stderr.read()
    assert process.returncode == 0
    assert "1 tokens given, 1 requests refused" in talk
    secret = environ.get("IDENTITY_HEADER") or environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"].rpartition("/")[2]
    assert secret not in talk
    assert "eyJ" not in talk
    assert "WARNING" not in talk


def asked_at_once(environ: dict[str, str], count: int) -> list[bytes]:
    """Open that many connections, then ask on all of them, then read all answers."""
    sent, answers = request(environ), []
    with ExitStack() as stack, selectors.DefaultSelector() as ready:
        clients = [stack.enter_context(socket.create_connection(address_of(environ), timeout=40)) for _ in range(count)]
        for client in clients:
            client.sendall(sent)
            ready.register(client, selectors.EVENT_READ, [])
        while ready.get_map():
            for key, _ in ready.select(40):
                client = next(one for one in (key.fileobj,) if isinstance(one, socket.socket))
                more = client.recv(65536)
                key.data.append(more)
                if not more:
                    ready.unregister(client)
                    answers.append(b"".join(key.data))
    return answers


def test_a_thousand_connections_at_once(here: dict[str, str], emulator: Emulator) -> None:
    before = len(emulator.requests)
    with room_for(4096), start("serve", "--json", environ=here) as process:
        answers = asked_at_once(variables_of(process), 1000)
        process.send_signal(signal.SIGTERM)
    assert len({reply(answer).body["access_token"] for answer in answers}) == 1
    assert len(answers) == 1000
    assert len(emulator.requests) - before == 1


def test_a_process_with_few_descriptors_serves_them_one_after_the_other(here: dict[str, str]) -> None:
    shell = ["sh", "-c", 'ulimit -n 100 && exec "$0" "$@"', COMMAND]
    with start("serve", "--json", environ=here, command=shell) as process:
        answers = asked_at_once(variables_of(process), 200)
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        assert "Traceback" not in process.stderr.read()
    assert [reply(answer).status for answer in answers] == [200] * 200


def test_for_containers_it_warns_and_tells_the_name_that_they_know(here: dict[str, str]) -> None:
    arguments = ["--json", "--bind", "0.0.0.0", "--allow-host", "host.docker.internal"]
    with start("serve", *arguments, environ={**here, "https_proxy": "", "http_proxy": "http://127.0.0.1:9"}) as process:
        variables = variables_of(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert "WARNING" in process.stderr.read()
    assert variables["IDENTITY_ENDPOINT"].startswith("http://host.docker.internal:")
    assert variables["NO_PROXY"] == "host.docker.internal"


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "said"),
    [
        (["--bind", "0.0.0.0"], {}, 7, "--allow-host"),
        (["--scope", "api://x"], {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/"}, 3, "nobody answers"),
    ],
)
def test_where_it_cannot_serve_it_says_why_and_prints_nothing(
    arguments: list[str], variables: dict[str, str], status: int, said: str, here: dict[str, str]
) -> None:
    ended = run("serve", *arguments, environ={**here, **variables})
    assert ended.returncode == status
    assert ended.stdout == ""
    assert said in ended.stderr
