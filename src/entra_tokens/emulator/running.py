"""What one start of the emulator makes and one stop takes away."""

from __future__ import annotations

import asyncio
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import applications
from .authorization_codes import AuthorizationCodes
from .authorize_endpoint import Browsers
from .certificates import KeyRing
from .clock import EmulatorClock
from .device_codes import DeviceCodes
from .directory import Directory
from .faults import FaultBoard
from .front_ledger import FrontLedger
from .hosting import Hosting
from .identity_provider import IdentityProvider
from .listener import LOOPBACK, Listener
from .loop import LoopThread
from .records import Log
from .refresh_tokens import RefreshTokens
from .registry import FederatedCredential, Registry
from .shortcut import token_shortcut
from .sign_ins import SignIns
from .signing import Signer
from .signing_help import SigningHelp
from .switches import Switches
from .token_proxy import PROXY_PATH, SERVER_NAME, answers_to, token_proxy_app
from .tokens import TokenIssuer
from .world import World

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Options", "Running", "warn_of"]

_log = logging.getLogger("entra_tokens.emulator")


def warn_of(address: str) -> None:
    """Say what it means to listen there, if that is another address than loopback."""
    if address.startswith("127."):
        return
    text = f"The emulator listens on {address}: whoever can connect gets its tokens, sees its control room, sets faults"
    warnings.warn(text, stacklevel=4)
    _log.warning("%s.", text)


@dataclass(frozen=True)
class Options:
    """The arguments of `Emulator`, under the same names."""

    lifetime: float
    latency: float
    port: int
    bind: str
    interval: float
    refresh_in: float | None
    device_code_lifetime: float
    slow_down: bool
    keys: Path | None
    signing_help: bool


class Running:
    """Everything that one start made and one stop takes away."""

    def __init__(self, options: Options) -> None:
        self.keys: KeyRing = KeyRing(options.keys)
        self.hosting: Hosting | None = None
        self.listeners: dict[str, Listener] = {}
        self.loop: LoopThread = LoopThread()
        try:
            tls = self.keys.server_context()
            proxy_tls, self._proxy_ca = self.keys.context_of(SERVER_NAME)
            answers_to(proxy_tls, SERVER_NAME)
            first, here = options.port, options.bind
            # Whoever told it where to listen has to know each port, to let others through to it.
            after = [first + number if first and here != LOOPBACK else 0 for number in range(1, 6)]
            # One by one: the ports that it has are given back if the next is taken.
            self.listeners["authority"] = Listener(first, bind=here, tls=tls)
            self.listeners["managed_identity"] = Listener(after[0], bind=here)
            self.listeners["secure_hosts"] = Listener(after[1], bind=here, tls=tls)
            self.listeners["h2ogpte"] = Listener(after[2], bind=here, tls=tls, websockets=True)
            self.listeners["control"] = Listener(after[3], bind=here)
            self.listeners["token_proxy"] = Listener(after[4], bind=here, tls=proxy_tls)
            self.world: World = self._make_world(options)
            self.switches: Switches = Switches(self.world.clock, self.world.faults, self.loop.loop, self.listeners)
            self.world.fail, self.world.advance = self.switches.fail, self.switches.advance
            self.sign_ins: SignIns = SignIns(self.world)
            self.loop.run(self._serve())
        except BaseException:
            self.stop()
            raise

    def _make_world(self, options: Options) -> World:
        clock = EmulatorClock()
        directory = Directory()
        registry = Registry(directory)
        authority = self.listeners["authority"].url
        signer = Signer(*self.keys.signing())
        self.hosting = Hosting(
            clock,
            directory,
            signer,
            url=self.listeners["managed_identity"].url,
            secure_url=self.listeners["secure_hosts"].url,
            thumbprint=self.keys.thumbprint,
            token_proxy_url=self.listeners["token_proxy"].url + PROXY_PATH,
            token_proxy_ca=self._proxy_ca,
        )
        issuer = TokenIssuer(
            clock,
            signer,
            directory,
            registry,
            lifetime=options.lifetime,
            refresh_in=options.refresh_in,
            authority=authority,
        )
        codes = DeviceCodes(
            clock,
            interval=options.interval,
            lifetime=options.device_code_lifetime,
            slow_down=options.slow_down,
        )
        provider = IdentityProvider(clock, self.keys, authority)
        trusted = registry.application.federated_credentials
        trusted.append(FederatedCredential(provider.issuer(), "emulated-workload"))
        for outside in self.hosting.outside.values():
            provider.share(outside.issuer, signer)
            trusted.append(FederatedCredential(outside.issuer, outside.subject))
        front = FrontLedger()
        clock.when_moved(front.sockets.look)
        return World(
            clock=clock,
            directory=directory,
            registry=registry,
            issuer=issuer,
            faults=FaultBoard(clock),
            log=Log(),
            device_codes=codes,
            refresh_tokens=RefreshTokens(clock),
            codes=AuthorizationCodes(clock),
            browsers=Browsers(),
            provider=provider,
            front=front,
            hosting=self.hosting,
            authority=authority,
            managed_identity_url=self.listeners["managed_identity"].url,
            h2ogpte_url=self.listeners["h2ogpte"].url,
            latency=options.latency,
            signing_help=SigningHelp() if options.signing_help else None,
        )

    async def _serve(self) -> None:
        authority = applications.authority_app(self.world)
        apps = {
            "authority": authority,
            "token_proxy": token_proxy_app(self.world, authority),
            "managed_identity": applications.managed_identity_app(self.world),
            "secure_hosts": applications.secure_hosts_app(self.world),
            "h2ogpte": applications.h2ogpte_app(self.world),
            "control": applications.control_app(self.world),
        }
        for name, app in apps.items():
            self.listeners[name].serve(app, token_shortcut(self.world) if name == "authority" else None)

    def stop(self) -> None:
        async def closed() -> None:
            # Connections go first: a request that is let go would otherwise be answered.
            for listener in self.listeners.values():
                listener.drop()
            if hasattr(self, "world"):
                self.world.faults.heal()
                if self.world.signing_help is not None:
                    self.world.signing_help.close()
            await asyncio.gather(*(listener.close() for listener in self.listeners.values()))

        self.loop.run(closed())
        self.loop.stop()
        if self.hosting is not None:
            self.hosting.close()
        self.keys.close()
