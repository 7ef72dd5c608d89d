"""The table of AADSTS numbers is whole, and numbers are found in what people paste."""

from __future__ import annotations

from importlib.resources import files

import pytest

from entra_tokens import errors
from entra_tokens.authority.aadsts import explain, find, table
from entra_tokens.emulator.refusal_table import TABLE as EMULATED

ROWS = list(table().values())


def test_no_row_is_lost_or_there_twice() -> None:
    text = files("entra_tokens").joinpath("aadsts.tsv").read_text(encoding="utf-8")
    assert text.endswith("\n")
    lines = text.splitlines()
    assert len(lines) == len(ROWS) >= 100
    assert [int(line.split("\t")[0]) for line in lines] == [row.code for row in ROWS]
    assert [line for line in lines if line.count("\t") != 4 or line != line.strip()] == []
    assert explain(1) is None


def test_every_row_helps() -> None:
    """Plain words and a remedy, each of whole sentences; the class is one of ours; the page is Microsoft's."""
    for row in ROWS:
        assert 10_000 <= row.code < 100_000_000
        assert issubclass(getattr(errors, row.kind), errors.AuthenticationFailed | errors.AuthorityUnavailable), row
        for text in (row.meaning, row.remedy, row.step):
            assert text[0].isupper(), row
            assert text.endswith("."), row
            assert text.isascii(), row
            assert text.isprintable(), row
            assert "  " not in text, row
        assert len(row.meaning) <= 110, row
        assert len(row.step) <= 170, row
        assert ". " not in row.step, "one next step"
        assert row.remedy.startswith(row.step), row
        assert "AADSTS" not in row.meaning, "it is said beside the number"
        assert row.source.startswith("https://learn.microsoft.com/"), row
        assert row.source == row.source.lower(), row


def test_the_emulator_s_numbers_are_explained_but_for_those_that_no_request_of_ours_can_meet() -> None:
    """What the emulator refuses, and what Entra refuses most."""
    unmet = {
        900561,  # a GET to the token endpoint
        500112, 50148,  # a redirect URI or a code verifier that differs between authorizing and redeeming
        5002741,  # several audiences in one assertion
        700051,  # the implicit flow
    }  # fmt: skip
    assert set(EMULATED) - set(table()) - unmet == set()
    met_most = [
        7000215,
        7000222,
        700016,
        90002,
        65001,
        50076,
        50079,
        53003,
        50105,
        500011,
        700024,
        700082,
        70043,
        50173,
    ]
    met_most += [7000222, 70011, 9002313, 50196, 700027, 700213, 7000218, 50126, 50020, 1002012, 900023]
    assert [code for code in met_most if explain(code) is None] == []


PASTED = [
    ("AADSTS50076: Due to a configuration change … Trace ID: 4b7c6f3a-2000-4e2a-9f0e-000000000001", (50076,)),
    ("aadsts50076", (50076,)),
    ("AADSTS 50076", (50076,)),
    ("7000215", (7000215,)),
    (" 7000215\n", (7000215,)),
    ("9999999", (9999999,)),
    ("error 7000215 at 12:00:00", (7000215,)),
    ("tried 120000 times, took 50077 ms", ()),
    ('{"error":"invalid_grant","error_codes":[50076, 50079],"timestamp":"2026-01-09 02:02:12Z"}', (50076, 50079)),
    ('{"error_codes": [65001], "error_description": "AADSTS65001: …"}', (65001,)),
    ("'error_codes': [1234567]", (1234567,)),
    ("AADSTS700016 and AADSTS90002, then AADSTS700016 again", (700016, 90002)),
    ("https://login.microsoftonline.com/error?code=50058", (50058,)),
    ("AADSTS9999999: new", (9999999,)),
    ("AADSTS123456789", ()),
    ("Correlation ID: 50076000-0000-4000-8000-000000050076", ()),
    ("HTTP 500 from 10.0.0.1:50076", (50076,)),
    ("", ()),
    ("nothing", ()),
]


@pytest.mark.parametrize(("text", "codes"), PASTED)
def test_numbers_are_found(text: str, codes: tuple[int, ...]) -> None:
    assert find(text) == codes


def test_a_long_log_is_searched_in_no_time() -> None:
    """No pattern here runs away: what is pasted may be a whole log."""
    assert find(("error_codes" + " " * 50 + "1 2 3 ") * 20_000 + "AADSTS50076" + "9" * 100_000) == ()
