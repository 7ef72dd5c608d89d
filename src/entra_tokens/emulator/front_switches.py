"""The switches of the h2oGPTe front, which stay as they are set until they are set again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from .front_jobs import FrontJobs
from .front_sockets import FrontSockets

__all__ = ["SCHEMES", "FrontSwitches"]

SCHEMES = frozenset({"Bearer-Token", "Bearer-AD"})
_CHOICES = {"refusal_body": ("json", "html", "empty"), "session_ids": ("free", "token", "identity")}


@dataclass
class FrontSwitches:
    """How the front behaves where servers differ, or where it is not known what a server does."""

    schemes: frozenset[str] = SCHEMES
    """The authorization schemes that it takes."""
    refusal_body: str = "json"
    """What a 401 carries: `json`, `html` or `empty`."""
    refusal_keeps_open: bool = False
    """Whether the connection stays open after a 401, that to an upgrade included."""
    cookie_sessions: bool = True
    """Whether it advertises the cookie-session endpoint (whose absence newer clients warn of)."""
    session_ids: str = "free"
    """Whether a `Session-Id` belongs to the first token that came with it (`token`), to the first identity
    (`identity`), or to nobody (`free`)."""
    sockets_need_session_id: bool = True
    """Whether an upgrade under `Bearer-AD` is refused without a `Session-Id`, as h2ogpte 1.7.3 says of the server."""
    close_expired_sockets: bool = False
    """Whether a chat socket is closed (code 1008) when its token expires."""
    socket_answers: int | None = None
    """How many queries a chat socket answers before it is closed (code 1001); None: any number."""
    jobs: FrontJobs = field(default_factory=FrontJobs, repr=False)
    sockets: FrontSockets = field(default_factory=FrontSockets, repr=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if value not in _CHOICES.get(name, (value,)):
            raise ValueError(f"{name} is one of {_CHOICES[name]}, not {value!r}")
        super().__setattr__(name, value)

    def switch(self, **switches: Any) -> None:
        """Set several of the plain switches, by their names.

        Raises:
            ValueError: There is no such switch, or it has no such position.
        """
        plain = {each.name for each in dataclasses.fields(FrontSwitches)} - {"jobs", "sockets"}
        if unknown := switches.keys() - plain:
            raise ValueError(f"no switches of the front: {sorted(unknown)}; there are {sorted(plain)}")
        for name, value in switches.items():
            setattr(self, name, frozenset(value) if name == "schemes" else value)
