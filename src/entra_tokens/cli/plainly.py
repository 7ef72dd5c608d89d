"""Errors' texts for a place that has named the credential already."""

from __future__ import annotations

import re

__all__ = ["without_name"]

_NAME = re.compile(r"[A-Z]\w+(\([^)]*\))?:? ")


def without_name(message: str) -> str:
    """The text without the credential and its arguments, with which errors of ours begin."""
    return message[match.end() :] if (match := _NAME.match(message)) else message
