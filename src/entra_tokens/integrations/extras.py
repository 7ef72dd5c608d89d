"""What is said where the library that an adapter is for is missing."""

from __future__ import annotations

from ..errors import ConfigurationError

__all__ = ["MissingExtra", "missing"]


class MissingExtra(ConfigurationError, ImportError):
    """The library that an adapter is for is not installed, or too old; also an ImportError."""


def missing(library: str, needed: str = "", *, extra: str | None = None) -> MissingExtra:
    """The error for an adapter's module to raise.

    Args:
        library: The import that failed.
        needed: What it must be, such as `"3.12 or newer"`; empty: just there.
        extra: The extra of ours that has it; None: the library's name; empty: it is no extra of ours.
    """
    extra = library if extra is None else extra
    what = f"needs {library} {needed}".rstrip() if needed else f"needs the package {library}, which is not installed"
    remedy = f'pip install "entra-tokens[{extra}]"' if extra else f"pip install {library}"
    return MissingExtra(f"entra_tokens.integrations.{library} {what}: {remedy}")
