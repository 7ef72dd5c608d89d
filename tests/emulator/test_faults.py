"""Faults by switch: which requests meet them, what they look like, and that they end."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from engine.faces import until
from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    from .conftest import Caller


def statuses(caller: Caller, times: int) -> list[int]:
    return [caller.token().status_code for _ in range(times)]


def test_a_number_of_times(e: Emulator, caller: Caller) -> None:
    e.fail("token", status=503, times=2, headers={"Retry-After": "7"})
    first = caller.token()
    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert statuses(caller, 2) == [503, 200]


def test_counted_faults_are_a_script_before_the_standing_one(e: Emulator, caller: Caller) -> None:
    e.fail("authority", status=500)
    e.fail("token", status=503, times=1)
    e.fail("token", status=429, times=1)
    assert statuses(caller, 4) == [503, 429, 500, 500]
    e.heal()
    assert statuses(caller, 1) == [200]


def test_a_share(e: Emulator, caller: Caller) -> None:
    with e.fail("token", status=503, share=0.2) as fault:
        assert statuses(caller, 10).count(503) == 2
    assert fault.met == 2
    assert statuses(caller, 5) == [200] * 5


def test_a_time_on_the_emulators_clock(e: Emulator, caller: Caller) -> None:
    e.fail("token", status=503, seconds=30)
    assert statuses(caller, 1) == [503]
    e.advance(31)
    assert statuses(caller, 1) == [200]


def test_a_real_second_passes_too(e: Emulator, caller: Caller) -> None:
    e.fail("token", fault="refuse", seconds=0.05)

    def answers() -> bool:
        with suppress(httpx.ConnectError):
            return statuses(caller, 1) == [200]
        return False

    until(answers, "its end")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [("invalid_client", 401, 7000215), (53003, 400, 53003), ("AADSTS50076", 400, 50076), ("slow_down", 400, None)],
)
def test_an_exact_refusal(e: Emulator, caller: Caller, error: str | int, status: int, code: int | None) -> None:
    e.fail("token", error=error)
    response = caller.token()
    assert response.status_code == status
    assert response.json()["error_codes"] == ([code] if code else [])


def test_throttling_is_plain_text(e: Emulator, caller: Caller) -> None:
    e.fail("token", status=429, headers={"Retry-After": "60"})
    response = caller.token()
    assert response.text == "Too Many Requests"
    assert response.headers["content-type"].startswith("text/plain")


def test_spoiled_bodies(e: Emulator, caller: Caller) -> None:
    for kind, text in (("html", "<!doctype html>"), ("bad_json", '{"token_type"'), ("empty", "")):
        with e.fail("token", fault=kind):
            response = caller.token()
        assert response.status_code == 200
        assert response.text[:13] == text[:13]
    with e.fail("token", fault="huge"):
        assert len(caller.token().content) == 32 * 1024 * 1024


def test_fields_of_a_good_answer_are_replaced(e: Emulator, caller: Caller) -> None:
    e.fail("token", reply={"expires_in": "3600", "ext_expires_in": None})
    body = caller.token().json()
    assert body["expires_in"] == "3600"
    assert "ext_expires_in" not in body


def test_an_expired_token(e: Emulator, caller: Caller) -> None:
    e.fail("token", fault="expired")
    body = caller.token().json()
    assert body["expires_in"] == 0
    assert jwt.decode(body["access_token"], options={"verify_signature": False})["exp"] < e.now()


def test_a_foreign_token_endpoint_is_one_of_ours(e: Emulator, caller: Caller) -> None:
    e.fail("discovery", fault="foreign_endpoint")
    document = caller.http.get(f"{e.authority}/{e.tenant_id}/v2.0/.well-known/openid-configuration").json()
    assert document["token_endpoint"].startswith(e.h2ogpte_url)


def test_refused_connections(e: Emulator, caller: Caller) -> None:
    assert statuses(caller, 1) == [200]  # a kept connection, which goes too
    with e.fail("authority", fault="refuse"), e.fail("token", fault="refuse"):
        with pytest.raises(httpx.ConnectError):
            caller.token()
        port = e.authority.rpartition(":")[2]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}", trust_env=False)
    assert statuses(caller, 1) == [200]


def test_connections_are_refused_while_many_connect(e: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """None is lost (an unclosed socket) or complained of, and they do not keep the emulator from anything else."""
    over, address = threading.Event(), ("127.0.0.1", int(e.authority.rpartition(":")[2]))

    def connect() -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(address, timeout=30):
                pass

    with ThreadPoolExecutor(2) as clients:
        connecting = [clients.submit(connect) for _ in range(2)]
        try:
            for _ in range(100):
                e.fail("authority", fault="refuse").heal()
        finally:
            over.set()
        for each in connecting:
            each.result()
    assert caplog.text == ""


def test_a_reset_connection(e: Emulator, caller: Caller) -> None:
    e.fail("token", fault="reset", times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        caller.token()
    assert statuses(caller, 1) == [200]


@pytest.mark.parametrize("kind", ["hang", "slow_drip"])
def test_no_answer_in_time(e: Emulator, caller: Caller, kind: str) -> None:
    caller.http.timeout = httpx.Timeout(10, read=0.1, pool=10)
    if kind == "slow_drip":
        caller.http.timeout = httpx.Timeout(10)
    with e.fail("token", fault=kind) as fault:
        if kind == "hang":
            with pytest.raises(httpx.ReadTimeout):
                caller.token()
        else:
            with caller.http.stream("POST", f"{e.authority}/{e.tenant_id}/oauth2/v2.0/token", data={}) as response:
                assert next(response.iter_raw()) == b"{"
        assert fault.met == 1
    caller.http.timeout = httpx.Timeout(10)
    assert statuses(caller, 1) == [200]


def test_a_hanging_request_goes_on_when_healed(e: Emulator, caller: Caller) -> None:
    with ThreadPoolExecutor() as pool, e.hold("token", arrivals=3) as gate:
        futures = [pool.submit(caller.token) for _ in range(3)]
        assert gate.arrived.wait(30)
        assert not any(future.done() for future in futures)
        assert gate.met == 3
        gate.release()
        assert [future.result(30).status_code for future in futures] == [200] * 3


def test_a_released_request_meets_the_next_fault(e: Emulator, caller: Caller) -> None:
    e.fail("token", status=503)
    with ThreadPoolExecutor() as pool, e.hold("token") as gate:
        future = pool.submit(caller.token)
        assert gate.arrived.wait(30)
        gate.release()
        assert future.result(30).status_code == 503


@pytest.mark.parametrize("kind", ["hang", "slow_drip", "huge"])
def test_stopping_waits_for_no_client(kind: str) -> None:
    from .conftest import Caller

    with Emulator() as e, ThreadPoolExecutor() as pool:
        caller = Caller(e)
        fault = e.fail("token", fault=kind)
        future = pool.submit(caller.token)
        while not fault.met and not future.done():
            pass
        e.stop()
        if kind != "huge":  # which may have been read to its end by then
            with pytest.raises(httpx.TransportError):
                future.result(30)
        caller.http.close()


@pytest.mark.parametrize(
    ("target", "switches"),
    [
        ("tokens", {}),
        ("token", {"fault": "explode"}),
        ("token", {"error": "no_such_error"}),
        ("token", {"error": 42}),
        ("token", {"share": 0.0}),
        ("token", {"share": 1.5}),
        ("token", {"times": 0}),
        ("token", {"fault": "refuse", "times": 2}),
    ],
)
def test_switches_that_mean_nothing_are_refused(e: Emulator, target: str, switches: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        e.fail(target, **switches)


def test_each_endpoint_has_its_own(e: Emulator, caller: Caller) -> None:
    e.fail("imds", status=410)
    e.fail("discovery", status=500)
    assert statuses(caller, 1) == [200]
    with httpx.Client(trust_env=False) as http:
        url = f"{e.managed_identity_url}/metadata/identity/oauth2/token"
        assert http.get(url, headers={"Metadata": "true"}).status_code == 410
