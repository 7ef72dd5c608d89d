"""Starting, stopping, keys, and the process of its own."""

from __future__ import annotations

import asyncio
import socket
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from entra_tokens.emulator import Emulator, RemoteEmulator

from .conftest import Caller

if TYPE_CHECKING:
    from pathlib import Path


def test_start_and_stop_are_idempotent() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.authority
    emulator.stop()
    first = emulator.start().authority
    assert emulator.start().authority == first
    tenant = emulator.tenant_id
    emulator.stop()
    emulator.stop()
    with emulator:
        assert emulator.tenant_id != tenant


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    with Emulator() as e:
        folder = e.environ("azure_cli")["PATH"].partition(":")[0]
        port = int(e.authority.rpartition(":")[2])
    assert set(threading.enumerate()) <= before  # others' may have ended meanwhile
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with pytest.raises(FileNotFoundError):
        open(folder).close()


def test_a_port_of_ones_own_and_a_port_that_is_taken() -> None:
    with Emulator() as e, pytest.raises(OSError, match=r"."):
        Emulator(port=int(e.authority.rpartition(":")[2])).start()


def test_keys_are_kept_and_private(tmp_path: Path) -> None:
    with Emulator(keys=tmp_path / "keys") as e:
        folder = tmp_path / "keys" / "keys-1"
        assert e.ca_file == str(folder / "ca.pem")
        first = (folder / "signing.key").read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("ca.key", "signing.key")} == {0o600}
    with Emulator(keys=tmp_path / "keys"):
        assert (folder / "signing.key").read_bytes() == first
    (folder / "ca.pem").write_text("damaged")
    with Emulator(keys=tmp_path / "keys"):
        assert (folder / "signing.key").read_bytes() != first


def test_without_a_place_for_keys_they_are_temporary(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Emulator(keys=tmp_path / "file") as e:
        kept = e.ca_file
        assert str(tmp_path) not in kept
    with pytest.raises(FileNotFoundError):
        open(kept).close()


def test_the_authority_certifies_this_machine_only(e: Emulator) -> None:
    with open(e.ca_file, "rb") as file:
        ca = x509.load_pem_x509_certificate(file.read())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert {str(name.value) for name in constraints.value.permitted_subtrees or ()} == {
        "localhost",
        "127.0.0.0/8",
        "::1/128",
    }


def test_an_unknown_place(e: Emulator) -> None:
    with pytest.raises(ValueError, match="no place"):
        e.environ("moon")


def test_time_only_moves_forward(e: Emulator) -> None:
    with pytest.raises(ValueError, match="forward"):
        e.advance(-1)


def test_latency_holds_answers_back() -> None:
    with Emulator(latency=0.05) as e:
        caller = Caller(e)
        with caller.http:
            assert caller.token().elapsed.total_seconds() >= 0.05


def test_a_process_of_its_own() -> None:
    with RemoteEmulator(lifetime=20, interval=1) as remote:
        assert remote.authority.startswith("https://localhost:")
        assert set(remote.environ("imds")) == {"AZURE_POD_IDENTITY_AUTHORITY_HOST"}
        remote.fail("authority", fault="refuse", seconds=30)
        host, _, port = remote.authority.removeprefix("https://").partition(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0
        remote.heal("authority")
        with socket.create_connection((host, int(port)), timeout=5):
            pass
        remote.advance(5)
        assert remote.stats()["front"]["verified"] == 0
        assert remote.requests == remote.front_records == remote.pending_codes == []
        remote.switch_front(refusal_body="html", schemes=["Bearer-AD"])
        with pytest.raises(ValueError, match="no switches"):
            remote.switch_front(moon=True)
        with pytest.raises(ValueError, match="no target"):
            remote.fail("nothing")
        with pytest.raises(ValueError, match="no sign-in"):
            remote.approve("NOSUCHONE")
    remote.stop()


def test_a_process_that_cannot_start_says_so(e: Emulator) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        RemoteEmulator(port=int(e.authority.rpartition(":")[2])).start()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to be caught")
def test_a_signal_ends_the_process_cleanly() -> None:
    command = [sys.executable, "-m", "entra_tokens.emulator"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"{")
        process.terminate()
        assert process.wait(30) == 0
        assert process.stderr
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Emulator-Secret": "guessed"}, {"Origin": "https://elsewhere.example"}, {"Host": "rebound.example"}],
)
def test_the_control_needs_its_secret_and_its_origin(e: Emulator, headers: dict[str, str]) -> None:
    secret = {} if "X-Emulator-Secret" in headers or not headers else {"X-Emulator-Secret": e.control_secret}
    request = urllib.request.Request(f"{e.control_url}/stats", headers={**secret, **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=5)
    caught.value.close()
    assert caught.value.code in (403, 421)


def test_the_emulator_speaks_for_itself_only(caller: Caller) -> None:
    assert caller.http.get(f"{caller.e.authority}/_emulator/stats").status_code == 404


def test_it_starts_and_stops_where_an_event_loop_runs() -> None:
    async def main() -> None:
        with Emulator() as e:
            assert e.authority

    asyncio.run(main())


def addresses(e: Emulator) -> list[tuple[str, int]]:
    sockets = [listener._socket for listener in e._live.listeners.values()]
    return [each.getsockname() for each in sockets if each is not None]


@pytest.mark.filterwarnings("ignore:The emulator listens on")
def test_it_listens_elsewhere_only_when_told(caplog: pytest.LogCaptureFixture) -> None:
    for first in range(21_000, 30_000, 10):
        e = Emulator(port=first, bind="0.0.0.0")
        try:
            e.start()
        except OSError:  # one of its ports is taken
            continue
        break
    with e, (caller := Caller(e)).http:
        assert addresses(e) == [("0.0.0.0", first + number) for number in range(6)]
        assert caller.access_token()
        assert caller.http.get(f"{e.authority}/device", headers={"Host": "10.0.0.1"}).status_code == 421
    assert "listens on 0.0.0.0: whoever can connect gets its tokens" in caplog.text


def test_it_warns_of_listening_elsewhere() -> None:
    with pytest.warns(UserWarning, match=r"listens on 203\.0\.113\.1"), pytest.raises(OSError, match=r"."):
        Emulator(bind="203.0.113.1").start()  # RFC 5737: nobody's address


def test_it_listens_on_loopback(e: Emulator) -> None:
    assert {address for address, _ in addresses(e)} == {"127.0.0.1"}
