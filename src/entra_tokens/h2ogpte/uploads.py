"""Whether the body of an upload can be sent a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NOT_AGAIN", "Upload"]

NOT_AGAIN = (
    "401 Unauthorized. The token has been renewed, but the upload was not sent again: its file cannot be read a second "
    "time (it does not seek). Call upload() again with a new one."
)


class Upload:
    """The files of one upload, in the form that requests and httpx share, and where each of them began.

    Args:
        files: A field's value is a `str`, `bytes`, a file, or a tuple whose second item is one of these.
    """

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._began: list[tuple[Any, int]] = []
        self.replayable: bool = True
        for value in files.values():
            content = value[1] if isinstance(value, tuple) else value
            if isinstance(content, (str, bytes)) or content is None:
                continue
            try:
                self._began.append((content, content.tell()))
                self.replayable = self.replayable and content.seekable()
            except (AttributeError, OSError, ValueError):
                self.replayable = False

    def rewind(self) -> bool:
        """Set every file back to where it was; False: not to be done."""
        if not self.replayable:
            return False
        try:
            for content, position in self._began:
                content.seek(position)
        except (OSError, ValueError):
            return False
        return True
