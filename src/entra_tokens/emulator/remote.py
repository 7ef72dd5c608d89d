"""The emulator in a process of its own, and its switches from here."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["RemoteEmulator"]


class RemoteEmulator:
    """Starts `python -m entra_tokens.emulator` and ends it; needs nothing but the standard library here.

    The attributes of `Emulator` that name places and ids are there under the same names. One thread at a time.

    Args:
        options: The command's options by their names: `lifetime=20`, `interval=1`, `port=0`, `latency=0.0`,
            `refresh_in=None`, `device_code_lifetime=900`, `bind="127.0.0.1"`.
    """

    authority: str
    ca_file: str
    tenant_id: str
    client_id: str
    client_secret: str
    h2ogpte_url: str
    h2ogpte_scope: str
    issuer: str
    managed_identity_url: str
    control_url: str
    control_room_url: str

    def __init__(self, **options: float | str | None) -> None:
        self._arguments = [
            f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None
        ]
        self._process: subprocess.Popen[str] | None = None
        self._environs: dict[str, dict[str, str]] = {}
        self._secret = ""
        # Loopback needs no proxy, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def start(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            RuntimeError: It ended instead; its last words are on stderr.
        """
        if self._process is not None:
            return self
        command = [sys.executable, "-m", "entra_tokens.emulator", *self._arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self._process = process
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            self.stop()
            raise RuntimeError(f"the emulator did not start: {' '.join(command)}")
        facts = json.loads(line)
        self._environs = facts.pop("environs")
        self._secret = facts.pop("control_secret")
        vars(self).update(facts)
        return self

    def stop(self) -> None:
        """End the process. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()  # which it takes as the word to leave
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def environ(self, place: str) -> dict[str, str]:
        """As `Emulator.environ`."""
        if place not in self._environs:
            raise ValueError(f"{place!r} is no place that the emulator stands in for: {list(self._environs)}")
        return dict(self._environs[place])

    def fail(self, target: str, **fault: Any) -> None:
        """As `Emulator.fail`, except that it returns no handle: end it with `heal(target)`, `times` or `seconds`."""
        self._call("fail", {"target": target, **fault})

    def heal(self, target: str | None = None) -> None:
        """End every fault that was set for this target, or every fault."""
        self._call("heal", {"target": target})

    def advance(self, seconds: float) -> None:
        """Let time pass for the emulator and for the engine in this process."""
        self._call("advance", {"seconds": seconds})
        from entra_tokens.engine.engine import current_engine

        current_engine().advance(seconds)

    def approve(self, user_code: str) -> None:
        self._call("answer", {"user_code": user_code, "approve": True})

    def decline(self, user_code: str) -> None:
        self._call("answer", {"user_code": user_code, "approve": False})

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What arrived, as dictionaries with the fields of `Record`."""
        answer: list[dict[str, Any]] = self._call("requests")
        return answer

    def switch_front(self, **switches: Any) -> None:
        """As `Emulator.front.switch`: `refusal_body="html"`, `close_expired_sockets=True`, …"""
        self._call("front", switches)

    @property
    def front_records(self) -> list[dict[str, Any]]:
        """What the h2oGPTe front saw, as dictionaries with the fields of `FrontRecord`."""
        answer: list[dict[str, Any]] = self._call("front")
        return answer

    @property
    def pending_codes(self) -> list[str]:
        codes: list[str] = self.stats()["pending_codes"]
        return codes

    def stats(self) -> dict[str, Any]:
        """`{"front": {"verified", "refused", "tokens_by_client", …}, "requests": {grant: count}, "pending_codes"}`."""
        answer: dict[str, Any] = self._call("stats")
        return answer

    def _call(self, name: str, content: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.control_url}/{name}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"X-Emulator-Secret": self._secret, "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=10) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                message = json.loads(error.read()).get("error", "")
            raise ValueError(f"the emulator refused {name}: {message}") from None
