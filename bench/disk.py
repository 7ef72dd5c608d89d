"""Rows 12, 14 and 15: each library's own cache on disk, in a folder of the measurement's own."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcome import AZURE, H2O, MSAL, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COLD", "msal_cache", "our_store", "own_folder"]

_START = """
import os, sys
import peers
from service import Facts
facts, folder = Facts.from_json(sys.stdin.read()), os.environ["BENCH_FOLDER"]
"""

# What one process does that finds nothing held: its shortest way to a token with a cache that processes share.
COLD = {
    AZURE: """
from azure.identity import ClientSecretCredential, TokenCachePersistenceOptions
credential = ClientSecretCredential(
    facts.tenant_id, facts.client_id, facts.client_secret, **peers._azure_options(facts),
    cache_persistence_options=TokenCachePersistenceOptions(allow_unencrypted_storage=True),
)
credential.get_token(facts.scope)
""",
    MSAL: """
import disk
app = peers.msal_app(facts)
app.token_cache = disk.msal_cache(folder)
peers.msal_token(app, facts)
""",
    H2O: "peers.h2o(facts).token()",
    OURS: """
from entra_tokens import FileStore
peers.our_provider(facts, store=FileStore(os.path.join(folder, "store"))).token()
""",
}
COLD = {peer: _START + code for peer, code in COLD.items()}


def msal_cache(folder: str) -> Any:
    """msal's cache in a file, through msal-extensions; in clear text, since there is no keyring."""
    from msal_extensions import FilePersistence, PersistedTokenCache

    return PersistedTokenCache(FilePersistence(os.path.join(folder, "msal.json")))


def our_store(folder: Path) -> Any:
    from entra_tokens import FileStore

    return FileStore(folder / "store")


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is the home, too, of this process and its children; no keyring is asked."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        here = {
            "HOME": name,
            "ENTRA_TOKENS_HOME": name,
            "BENCH_FOLDER": name,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        before = {variable: os.environ.get(variable) for variable in here}
        os.environ.update(here)
        warnings.filterwarnings("ignore", "The key that seals")
        try:
            yield Path(name)
        finally:
            for variable, value in before.items():
                if value is None:
                    os.environ.pop(variable, None)
                else:
                    os.environ[variable] = value
