"""Where the library is missing, the adapter's module says which extra has it."""

from __future__ import annotations

import importlib
import sys

import pytest

from entra_tokens import ConfigurationError


@pytest.mark.parametrize(
    ("library", "remedy"),
    [
        ("aiohttp", r'pip install "entra-tokens\[aiohttp\]"'),
        ("grpc", r'pip install "entra-tokens\[grpc\]"'),
        ("httpx2", r'pip install "entra-tokens\[httpx2\]"'),
        ("redis", r'pip install "entra-tokens\[redis\]"'),
        ("requests", r"pip install requests"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(
    library: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"entra_tokens.integrations.{library}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=remedy) as raised:
        importlib.import_module(f"entra_tokens.integrations.{library}")
    assert isinstance(raised.value, ConfigurationError)


def test_an_aiohttp_without_middlewares_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    monkeypatch.delattr(aiohttp, "ClientMiddlewareType")
    monkeypatch.delitem(sys.modules, "entra_tokens.integrations.aiohttp", raising=False)
    with pytest.raises(ImportError, match=r"needs aiohttp 3\.12 or newer"):
        importlib.import_module("entra_tokens.integrations.aiohttp")


def test_httpx_alone_is_enough_for_its_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "entra_tokens.integrations.httpx", raising=False)
    assert issubclass(importlib.import_module("entra_tokens.integrations.httpx").EntraAuth, httpx.Auth)
