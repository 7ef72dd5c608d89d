"""What the control room shows: everything that a person wants to see of an emulator, and no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .aim import Aim
from .control_room_faults import who
from .faults import Gate

if TYPE_CHECKING:
    from .faults import Fault
    from .issued_tokens import Issued
    from .records import Record
    from .world import World

__all__ = ["room_state"]

_SHOWN = 40  # rows of a list; the counts beside it are of everything


def room_state(world: World) -> dict[str, Any]:
    """As JSON: lists are newest first, times are epoch seconds on the emulator's clock, `left` is in seconds."""
    now = world.clock.now()
    world.faults.expire()
    requests = world.log.snapshot()
    alive = world.issuer.issued.alive(now)
    front = world.front.stats()
    return {
        "now": now,
        "requests": {
            "count": len(requests),
            "tokens": sum(record.grant is not None for record in requests),
            "newest": [_request(world, record) for record in reversed(requests[-_SHOWN:])],
        },
        "tokens": {
            "count": world.issuer.issued.count,
            "alive": len(alive),
            "newest": [_token(world, token, now) for token in alive[:_SHOWN]],
        },
        "faults": [_fault(world, fault, now) for fault in reversed(world.faults.snapshot())],
        "codes": _codes(world, now),
        "front": {
            "verified": front["verified"],
            "refused": front["refused"],
            "clients": len(front["calls_by_client"]),
            "distinct_tokens": sum(len(tokens) for tokens in front["tokens_by_client"].values()),
            "reasons": front["reasons"],
        },
    }


def _request(world: World, record: Record) -> dict[str, Any]:
    return {
        "key": id(record),
        "time": record.time,
        "what": record.grant.replace("_", " ") if record.grant else who(record.target),
        "method": record.method,
        # Most begin with the same id.
        "path": record.path.replace(world.directory.tenant_id, "{tenant}"),
        "status": record.status,
    }


def _token(world: World, token: Issued, now: float) -> dict[str, Any]:
    return {
        "key": token.number,
        "client": _client(world, token.client_id),
        "person": token.person,
        "audience": "h2oGPTe" if token.audience == world.directory.h2ogpte_id else token.audience,
        "left": token.expires_on - now,
        "share": (token.expires_on - now) / max(token.expires_on - token.issued_at, 1e-9),
    }


def _fault(world: World, fault: Fault, now: float) -> dict[str, Any]:
    return {
        "key": id(fault),
        "who": who(fault.target),
        "what": _words(fault),
        "only": _only(world, fault),
        "met": fault.met,
        "times": fault.times,
        "left": None if fault.until is None else fault.until - now,
    }


def _words(fault: Fault) -> str:
    if isinstance(fault, Gate):
        return "held back"
    parts = [fault.kind, fault.status, fault.error, "changed reply" if fault.reply else None]
    return ", ".join(str(part) for part in parts if part is not None) or "other answer"


def _only(world: World, fault: Fault) -> str:
    """Which of the requests meet it; empty: all of them."""
    aim = fault.aim or Aim()
    parts = [
        f"{fault.share * 100:g}% of requests" if fault.share is not None else "",
        f"tenant {aim.tenant}" if aim.tenant else "",
        f"client {_client(world, aim.client_id)}" if aim.client_id else "",
        f"scope {aim.scope}" if aim.scope else "",
    ]
    return ", ".join(part for part in parts if part)


def _codes(world: World, now: float) -> list[dict[str, Any]]:
    found = (world.device_codes.find(user_code) for user_code in reversed(world.device_codes.pending()))
    return [
        {
            "key": code.user_code,
            "client": _client(world, code.client_id),
            "scopes": code.scopes.replace(world.directory.h2ogpte_id, "{h2oGPTe}"),
            "left": code.expires_on - now,
        }
        for code in found
        if code is not None
    ][:_SHOWN]


def _client(world: World, client_id: str) -> str:
    application = world.registry.application_of(client_id)
    if application is not None:
        return application.name
    for identity in world.hosting.identities:
        if identity.client_id == client_id:
            system = client_id == world.directory.system_identity.client_id
            return f"{'System' if system else 'User'}-assigned identity"
    return client_id
