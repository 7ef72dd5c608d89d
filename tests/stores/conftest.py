from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from entra_tokens import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, not yet made."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "some" / "store"


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(folder)


@pytest.fixture
def disk(tmp_path: Path) -> Callable[[str], AbstractContextManager[Path]]:
    """A small disk of the test's own, mounted with options such as `size=64k` or `ro`; needs Linux and root."""
    made = tmp_path / "disk"
    made.mkdir()

    @contextmanager
    def mounted(options: str) -> Iterator[Path]:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(made)], check=True, timeout=10)
        try:
            yield made
        finally:
            subprocess.run(["umount", "-l", str(made)], check=True, timeout=10)

    assert sys.platform == "linux"
    return mounted
