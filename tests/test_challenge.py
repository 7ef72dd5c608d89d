from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from entra_tokens.challenge import claims_from_challenge
from entra_tokens.emulator import Emulator

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
CODED = base64.b64encode(CLAIMS.encode()).decode()
ODD = '{"a":"?>~"}'  # its base64 has what base64url writes otherwise


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (f'Bearer realm="", error="insufficient_claims", claims="{CODED}"', CLAIMS),
        (f'Bearer claims="{CODED.rstrip("=")}"', CLAIMS),
        (f"bearer CLAIMS={CODED.rstrip('=')}", CLAIMS),
        (f'Bearer claims = "{CODED}" , error="x"', CLAIMS),
        (f'Basic realm="a, b=\\"c", Bearer realm="x", claims="{CODED}"', CLAIMS),
        (f'Negotiate, NTLM TlRMTVNTUAA=, Bearer error="e",claims="{CODED}"', CLAIMS),
        (f'Bearer error="invalid_token", Bearer claims="{CODED}"', CLAIMS),
        (f'PoP claims="e30", Bearer claims="{CODED}"', CLAIMS),
        (f'Bearer error_description="claims=\\"e30\\"", claims="{CODED}"', CLAIMS),
        (f'Bearer claims="{base64.urlsafe_b64encode(ODD.encode()).decode().rstrip("=")}"', ODD),
        ("Bearer claims=" + json.dumps(CLAIMS), CLAIMS),
        (f'  ,, Bearer   realm="" , claims="{CODED}"', CLAIMS),
        ("", None),
        ("Bearer", None),
        ('Bearer realm="x"', None),
        (f'Basic claims="{CODED}"', None),
        (f'claims="{CODED}"', None),
        ('Bearer claims="not base64!"', None),
        ('Bearer claims="W10="', None),
        ('Bearer claims="' + CODED, None),
        ("Bearer claims=", None),
        ("\x00\xff" * 50, None),
    ],
)
def test_a_header(header: str, claims: str | None) -> None:
    assert claims_from_challenge(header) == claims


def test_what_the_emulator_says() -> None:
    with Emulator() as e:
        claims = claims_from_challenge(e.challenge(acrs="c1"))
    asked: Any = json.loads(claims or "{}")
    assert asked["access_token"]["acrs"]["value"] == "c1"


@pytest.mark.parametrize("piece", ['a="', "a", " ", ",", "a(", "=", '\\"', 'a="\\"'])
def test_a_long_header_is_read_to_its_end(piece: str) -> None:
    """The time limit of the tests is what this would meet if a character were looked at again and again."""
    assert claims_from_challenge("Bearer " + piece * 60_000) is None
