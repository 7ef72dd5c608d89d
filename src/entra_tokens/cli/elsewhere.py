"""A sign-in that another process asks for: waiting for it, instead of failing for want of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..acquiring import Acquiring, SignIns, acquiring
from ..credentials.person import Person
from ..engine.clock import SYSTEM_CLOCK, Signal
from ..stores.sign_ins import sign_in_files
from . import talk

if TYPE_CHECKING:
    from ..credentials.protocol import Credential

__all__ = ["waited"]

_LOOK = 0.1  # seconds between looks


def waited(credential: Credential) -> bool:
    """Wait while a person is asked elsewhere, as long as that one's code is good; False: nobody is."""
    if not isinstance(credential, Person):
        return False
    with acquiring(Acquiring(sign_ins=SignIns(sign_in_files))):
        if not credential.asked_elsewhere():
            return False
        talk.error("another entra-tokens is asking for this sign-in; this one waits and will use it. Ctrl-C to leave.")
        while credential.asked_elsewhere():
            SYSTEM_CLOCK.sleep(_LOOK, Signal())
    return True
