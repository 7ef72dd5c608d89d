"""How many connections there is room for: a process has only so many file descriptors, and needs some itself."""

from __future__ import annotations

__all__ = ["room_for_connections"]

_MOST = 4096
_OWN = 64  # for files, the authority's connections, the store
_LEAST = 16


def room_for_connections() -> int:
    """The most that are open at once; the system keeps the others waiting in front of the door."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are no file descriptors
        return _MOST
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return _MOST
    return min(max(limit - _OWN, _LEAST), _MOST)
