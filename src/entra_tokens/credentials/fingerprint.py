"""Names for secrets and objects that tell them apart and give nothing away."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..authority.options import AuthorityOptions

__all__ = ["fingerprint", "object_key", "trust", "trust_under"]

# Drawn for each process, and the same in its forked children: a digest that leaks can neither be compared with another
# process's nor searched for offline.
_KEY = os.urandom(32)


def fingerprint(secret: str | bytes, key: bytes = _KEY) -> str:
    """A keyed digest of a secret: equal for equal secrets within this process, useless outside.

    Args:
        secret: What must not be told.
        key: Another than this process's own: a store's, so that its processes agree.
    """
    import hashlib  # here: it opens the whole of OpenSSL, and most identities of a host have no secret

    data = secret.encode() if isinstance(secret, str) else secret
    return hashlib.blake2b(data, key=key, digest_size=16).hexdigest()


_lock = threading.Lock()
_known: dict[int, tuple[weakref.ref[Any], str]] = {}
_serial = 0


def object_key(thing: object) -> str:
    """A name for an object itself, whatever it says about equality; never used again after the object is gone.

    `id()` alone would not do: the next object at that address would inherit the tokens of the last.
    """
    global _serial
    with _lock:
        known = _known.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
        _serial += 1
        name = f"{type(thing).__qualname__}#{_serial}"
        with suppress(TypeError):  # no weak reference to it: each asker gets a name of its own, nothing is shared
            _known[id(thing)] = (weakref.ref(thing), name)
        if len(_known) > 10_000:
            for address in [address for address, (held, _) in _known.items() if held() is None]:
                del _known[address]
        return name


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def trust(options: AuthorityOptions) -> tuple[str, ...]:
    """What of the way there decides whether a token may be shared: whom we trusted, and who stood between."""
    verify = options.verify if isinstance(options.verify, (bool, str)) else object_key(options.verify)
    return _trust(verify, options, _KEY)


def trust_under(key: bytes, options: AuthorityOptions) -> tuple[str, ...] | None:
    """The same in every process that has the key; None: whom an `ssl.SSLContext` trusts, no other process can know."""
    if not isinstance(options.verify, (bool, str)):
        return None
    return _trust(options.verify, options, key)


def _trust(verify: object, options: AuthorityOptions, key: bytes) -> tuple[str, ...]:
    if options.token_proxy is not None:
        return f"verify={verify}", f"token_proxy={options.token_proxy.key}"
    # A proxy's URL can hold a password.
    return f"verify={verify}", f"proxy={'' if options.proxy is None else fingerprint(options.proxy, key)}"
