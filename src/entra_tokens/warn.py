"""Warning a person in both ways at once."""

from __future__ import annotations

__all__ = ["warn"]


def warn(text: str, *, stacklevel: int) -> None:
    """Warn through `warnings` **and** the log.

    Importing `h2ogpte.shared_client` switches every Python warning of the process off, and a log may go nowhere.
    """
    import logging
    import warnings

    logging.getLogger("entra_tokens").warning("%s", text)
    warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
