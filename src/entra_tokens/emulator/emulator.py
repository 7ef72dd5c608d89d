"""The emulator itself: starts, stops, and shows what a test or a demo needs of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .faults import Gate
from .hosted import Hosted
from .listener import LOOPBACK
from .registering import Registering
from .running import Options, Running, warn_of
from .signing_in import SigningIn

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from .directory import Directory
    from .faults import Fault
    from .front_ledger import FrontLedger
    from .records import Record
    from .world import World

__all__ = ["Emulator"]


class Emulator(Registering, SigningIn, Hosted):
    """A local Entra, managed-identity hosts and h2oGPTe front, on loopback, in a daemon thread.

    Any thread may call anything; nothing needs an event loop. `start()` and `stop()` are idempotent, and `with` calls
    them. Attributes are there between the two. A stopped emulator can be started again, with a new, empty state.

    Args:
        lifetime: Seconds that an access token lives; fractions are kept under a minute.
        latency: Seconds that every answer is held back.
        port: The authority's; 0: any that is free.
        interval: Seconds between polls for a device code, as the replies name them.
        refresh_in: Seconds that token replies name for renewal; None: they name none.
        device_code_lifetime: Seconds that a device code waits for its person.
        slow_down: Whether device-code polls faster than `interval` are refused.
        keys: The folder that holds the kept keys; None: one in the user's cache folder.
        bind: The address of this machine to listen on, which a container may want to be `0.0.0.0`; it answers to this
            machine's own names all the same. With another address than loopback (a warning says what that means) and
            a `port`, the managed-identity hosts, the secure hosts, the h2oGPTe front, the control room and the token
            proxy take the ports after it, in this order.
        signing_help: Whether a second process signs, too, once many tokens are asked for at once.
    """

    def __init__(
        self,
        lifetime: float = 3600,
        latency: float = 0.0,
        port: int = 0,
        *,
        interval: float = 5,
        refresh_in: float | None = None,
        device_code_lifetime: float = 900,
        slow_down: bool = False,
        keys: Path | None = None,
        bind: str = LOOPBACK,
        signing_help: bool = False,
    ) -> None:
        self._options = Options(
            lifetime=lifetime,
            latency=latency,
            port=port,
            interval=interval,
            refresh_in=refresh_in,
            device_code_lifetime=device_code_lifetime,
            slow_down=slow_down,
            keys=keys,
            bind=bind,
            signing_help=signing_help,
        )
        self._lock = threading.RLock()
        self._running: Running | None = None

    def start(self) -> Self:
        """Start, if it has not been; every listener answers when this returns.

        Raises:
            OSError: The port is taken, or `bind` is no address of this machine.
        """
        with self._lock:
            if self._running is None:
                warn_of(self._options.bind)
                self._running = Running(self._options)
        return self

    def stop(self) -> None:
        """Stop, whatever its clients are doing: open connections are dropped, held requests let go."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def authority(self) -> str:
        """`https://localhost:PORT`"""
        return self._world.authority

    @property
    def ca_file(self) -> str:
        """Path of the PEM file to trust."""
        return str(self._live.keys.ca_file)

    @property
    def tenant_id(self) -> str:
        return self._world.directory.tenant_id

    @property
    def client_id(self) -> str:
        return self._world.directory.client_id

    @property
    def client_secret(self) -> str:
        return self._world.directory.client_secret

    @property
    def h2ogpte_url(self) -> str:
        return self._world.h2ogpte_url

    @property
    def h2ogpte_scope(self) -> str:
        """`api://<guid>/.default`"""
        return self._world.directory.h2ogpte_scope

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens: `{authority}/{tenant_id}/v2.0`."""
        return self._world.issuer.issuer

    @property
    def control_url(self) -> str:
        return f"{self._live.listeners['control'].url}/_emulator"

    @property
    def control_room_url(self) -> str:
        """A page for people: what goes on, and the switches."""
        return f"{self._live.listeners['control'].url}/"

    @property
    def control_secret(self) -> str:
        return self._world.control_secret

    @property
    def directory(self) -> Directory:
        """Every registered id: the user, the system-assigned and the user-assigned identity."""
        return self._world.directory

    @property
    def requests(self) -> list[Record]:
        """What arrived at the authority, the managed-identity hosts and the fake `az`, oldest first."""
        return self._world.log.snapshot()

    @property
    def token_requests(self) -> list[Record]:
        """Those of `requests` that ask for a token."""
        return [record for record in self.requests if record.grant is not None]

    @property
    def front(self) -> FrontLedger:
        """The h2oGPTe front's counts (`verified`, `refused`, `records`, `tokens_by_client`) and switches."""
        return self._world.front

    def clear(self) -> None:
        """Forget what arrived; tokens, codes and faults stay."""
        self._world.log.clear()
        self._world.front.clear()

    def fail(
        self,
        target: str,
        status: int | None = None,
        times: int | None = None,
        headers: dict[str, str] | None = None,
        body: str | bytes | dict[str, Any] | None = None,
        error: str | int | None = None,
        share: float | None = None,
        seconds: float | None = None,
        fault: str | None = None,
        reply: dict[str, Any] | None = None,
        *,
        tenant: str | None = None,
        client_id: str | None = None,
        scope: str | None = None,
    ) -> Fault:
        """Spoil the answers of an endpoint, until healed unless `times`, `share` or `seconds` says otherwise.

        Args:
            target: `token`, `device` (its code endpoint), `authorize`, `discovery`, `instance`, `keys`; `imds`,
                `app_service`, `app_service_2017`, `arc`, `service_fabric`, `cloud_shell`, `azure_ml`; `github_actions`,
                `azure_pipelines`; `az`, `azd`, `pwsh`; `h2ogpte_rpc`, `h2ogpte_rest`, `h2ogpte_stream`, `h2ogpte_ws`
                (upgrades), `h2ogpte_query` (a message on a socket), `h2ogpte_session` (the probe for cookie sessions);
                or a group of these: `authority`, `managed_identity`, `ci`, `tools`, `h2ogpte_http`, `h2ogpte` (all
                but the last two), `*`.
            status: HTTP status of the answer; 503 if nothing else is said. A managed-identity host or CI service puts
                it in its own words.
            times: How many requests meet it. Faults with a count are a script: they follow one another.
            headers: More headers, such as `{"Retry-After": "7"}`.
            body: Text, bytes, or fields (with `error`: put over its body).
            error: An OAuth error name or an AADSTS number: the exact body and status of that refusal.
            share: The share of requests that meets it, spread evenly.
            seconds: How long it lasts, on the emulator's clock.
            fault: `refuse` (the port is closed), `reset`, `close` (without an answer), `hang`, `slow_drip`, `html`,
                `bad_json`, `empty`, `huge`, `expired` (a token that has run out), `foreign_endpoint` (discovery names
                another origin), `throttled` (429 in plain text, `Retry-After: 60` if `headers` does not say otherwise).
            reply: Fields put over a good answer, None takes one out: `{"expires_in": "3600"}`.
            tenant: Only requests that name this tenant (id or domain) meet it; at the h2oGPTe front those whose token
                is of this tenant (id), and so for the others.
            client_id: Only this client's.
            scope: Only those for this scope or resource; refresh and code requests that name none do not meet it.

        Returns:
            A handle: `.heal()` ends it, as does the end of a `with` block; `.met` counts.

        Raises:
            ValueError: An unknown target, fault or error.
        """
        return self._live.switches.fail(
            target,
            status,
            times,
            headers,
            body,
            error,
            share,
            seconds,
            fault,
            reply,
            tenant=tenant,
            client_id=client_id,
            scope=scope,
        )

    def heal(self, target: str | None = None) -> None:
        """End every fault that was set for this target, or every fault."""
        self._world.faults.heal(target)

    def hold(self, target: str, arrivals: int = 1) -> Gate:
        """Hold requests back: `with e.hold("token") as gate:`, then `gate.arrived.wait(timeout)` (set when `arrivals`
        of them wait) and `gate.release()`."""
        gate = Gate(target, arrivals)
        self._world.faults.add(gate)
        return gate

    def drop_connections(self, listener: str = "h2ogpte") -> None:
        """Reset every open connection of `h2ogpte` (its chat sockets too), `authority` or `managed_identity`."""
        self._live.switches.drop_connections(listener)

    def now(self) -> float:
        """Epoch seconds on the emulator's clock."""
        return self._world.clock.now()

    def advance(self, seconds: float) -> None:
        """Let time pass for the emulator and for the engine under test in this process; tokens expire."""
        self._live.switches.advance(seconds)
        from entra_tokens.engine.engine import current_engine

        current_engine().advance(seconds)

    @property
    def _live(self) -> Running:
        running = self._running
        if running is None:
            raise RuntimeError("the emulator is not running: use it as `with Emulator() as e:`, or call start()")
        return running

    @property
    def _world(self) -> World:
        return self._live.world
