"""What the emulator's parts share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .authorization_codes import AuthorizationCodes
    from .authorize_endpoint import Browsers
    from .clock import EmulatorClock
    from .device_codes import DeviceCodes
    from .directory import Directory
    from .faults import FaultBoard
    from .front_ledger import FrontLedger
    from .hosting import Hosting
    from .identity_provider import IdentityProvider
    from .records import Log
    from .refresh_tokens import RefreshTokens
    from .registry import Registry
    from .signing_help import SigningHelp
    from .tokens import TokenIssuer

__all__ = ["World"]


@dataclass
class World:
    """One emulator's state. Its parts are safe to use from any thread."""

    clock: EmulatorClock
    directory: Directory
    registry: Registry
    issuer: TokenIssuer
    faults: FaultBoard
    log: Log
    device_codes: DeviceCodes
    refresh_tokens: RefreshTokens
    codes: AuthorizationCodes
    browsers: Browsers
    provider: IdentityProvider
    front: FrontLedger
    hosting: Hosting
    authority: str
    managed_identity_url: str
    h2ogpte_url: str
    latency: float
    signing_help: SigningHelp | None = None
    control_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    fail: Callable[..., Any] = field(init=False)
    advance: Callable[[float], None] = field(init=False)
