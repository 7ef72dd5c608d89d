"""`token` from the store without click: programs that want a header run it again and again, and half its time would go
into the parser. What is not plain here is left to the full command, which parses and tells everything."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["printed"]

# The options of `token` that take a value; anything else is not plain.
_VALUES = ("credential", "scope", "tenant", "client-id", "authority", "ca", "profile", "min-ttl", "format")


def printed(arguments: Sequence[str]) -> int | None:
    """Print the stored token, if these arguments ask for one and it is good.

    Returns:
        The exit status; None: nothing has been done or said.
    """
    flags = _plain(arguments)
    if flags is None:
        return None
    from ..errors import EntraTokensError
    from . import later

    later.begin()
    text = None
    with suppress(EntraTokensError, OSError, ValueError):  # the full command meets it again, and says so
        text = _found(flags)
    if text is None:
        later.end()
        return None
    from . import talk

    try:
        talk.result(text)
        talk.finish()
    except talk.Unread as error:
        return talk.nobody_reads(error)
    return 0


def _plain(arguments: Sequence[str]) -> dict[str, str] | None:
    if not arguments or arguments[0] != "token":
        return None
    flags: dict[str, str] = {}
    rest = list(arguments[:0:-1])
    while rest:
        name, equals, value = rest.pop().partition("=")
        if name == "--json" and not equals:
            name, value = "--format", "json"
        elif not equals:
            value = rest.pop() if rest else ""
        if name[:2] != "--" or name[2:] not in _VALUES or name[2:] in flags or not value or value[0] == "-":
            return None
        flags[name[2:]] = value
    return flags


def _found(flags: dict[str, str]) -> str | None:
    from ..stores.home import store_folder
    from .forms import FORMS, written
    from .settings import CREDENTIALS, resolve
    from .spans import seconds_of
    from .stored import handed_out, is_good, look

    folder = store_folder()
    if folder is None or not os.path.isdir(folder):  # to make one is the full command's part
        return None
    form = flags.pop("format", "token")
    ttl = flags.pop("min-ttl", None)
    min_ttl = None if ttl is None else seconds_of(ttl)
    if form not in FORMS or flags.get("credential", "default") not in CREDENTIALS:
        return None
    stored = look(resolve({name.replace("-", "_"): value for name, value in flags.items()}))
    if stored is None or not is_good(stored, min_ttl):
        return None
    return written(handed_out(stored) if form == "json" else stored.token, form)
