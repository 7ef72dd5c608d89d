"""Where a token may be sent."""

from __future__ import annotations

from typing import Any

import pytest

from entra_tokens import ConfigurationError
from entra_tokens.h2ogpte.address import checked_address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://h2ogpte.example.com", "https://h2ogpte.example.com"),
        ("https://h2ogpte.example.com/", "https://h2ogpte.example.com"),
        (" https://h2ogpte.example.com// ", "https://h2ogpte.example.com"),
        ("https://example.com:8443/h2ogpte/", "https://example.com:8443/h2ogpte"),
        ("HTTPS://Example.COM", "HTTPS://Example.COM"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://h2ogpte.localhost", "http://h2ogpte.localhost"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.8.8.8", "http://127.8.8.8"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_good(given: str, kept: str) -> None:
    assert checked_address(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://h2ogpte.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://localhost@evil.example",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "ws://localhost",
        "ftp://localhost",
        "h2ogpte.example.com",
        "//h2ogpte.example.com",
        "https://",
        "https:///path",
        "",
        "https://user:SECRET@h2ogpte.example.com",
        "https://h2ogpte.example.com/?x=SECRET",
        "https://h2ogpte.example.com/#SECRET",
        "https://h2ogpte.example.com\\@evil.example",
        "https://h2ogpte.example.com\r\nX: y",
        "https://h2o gpte.example.com",
        "https://h2ogpte.example.com:0",
        "https://h2ogpte.example.com:99999",
        "https://h2ogpte.example.com:port",
        "https://[::1",
        "https://bücher.example",
        None,
        b"https://h2ogpte.example.com",
    ],
)
def test_bad(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="h2oGPTe address") as raised:
        checked_address(given)
    assert "SECRET" not in str(raised.value)
