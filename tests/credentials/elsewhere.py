"""What other processes run: light, since each imports it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entra_tokens import TokenProvider


def federated_token() -> str:
    """Pickles by its name, and reads what it needs where it runs."""
    with open(os.environ["TEST_FEDERATED_TOKEN"]) as file:  # noqa: TID251 - a user's function, in a process of its own
        return file.read()


def ask(provider: TokenProvider) -> tuple[int, str, str]:
    """In the other process: which that is, whose token came, and by which provider."""
    claims = provider.token().claims()
    return os.getpid(), claims.get("appid") or claims["azp"], repr(provider)
