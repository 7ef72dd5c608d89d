"""The client under msal by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authority import stub
from entra_tokens.authority.http import AuthorityHttp
from entra_tokens.errors import AuthorityUnavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_no_other_origin_is_sent_anything(tmp_path: Path) -> None:
    with stub.running(tls=True) as ours, stub.running(tls=True) as theirs:
        ca = stub.ca_file(tmp_path)
        http = AuthorityHttp(ours.url, verify=ca, proxy=None, timeout=5, who="us")
        ours.on("/token", stub.granted())
        theirs.on("/token", stub.granted())
        with http.session():
            for url in (f"{theirs.url}/token", ours.url.replace("https", "http") + "/token"):
                with pytest.raises(AuthorityUnavailable, match="another origin"):
                    http.post(url, data={"client_secret": "s"})
                assert http.seen is None
            answer = http.post(f"{ours.url}/token", data={"client_secret": "s"})
        assert not theirs.requests
        assert [asked.form for asked in ours.requests] == [{"client_secret": "s"}]
        assert "access-token" not in answer.text


def test_a_session_forgets_at_both_ends_and_closes_its_connection(tmp_path: Path) -> None:
    with stub.running(tls=True) as ours:
        ours.on("/token", stub.granted())
        http = AuthorityHttp(ours.url, verify=stub.ca_file(tmp_path), proxy=None, timeout=5, who="us")
        for _ in range(2):
            with http.session():
                assert http.seen is None
                http.get(f"{ours.url}/token")
                http.get(f"{ours.url}/token")
                seen = http.seen
                assert seen is not None
                assert seen.body["access_token"] == "access-token"
        assert {asked.headers["accept-encoding"] for asked in ours.requests} == {"identity"}
        http.close()


def test_what_is_none_is_not_sent(tmp_path: Path) -> None:
    """msal says None for a field that it leaves out; as the text "None" it would be malformed claims, say."""
    with stub.running(tls=True) as ours:
        ours.on("/token", stub.granted())
        http = AuthorityHttp(ours.url, verify=stub.ca_file(tmp_path), proxy=None, timeout=5, who="us")
        with http.session():
            headers = {"X-Left-Out": None, "X-Sent": "1"}
            http.post(
                f"{ours.url}/token?a=b", data={"claims": None, "x": "ä &"}, params={"c": None, "d": 1}, headers=headers
            )
        (asked,) = ours.requests
        assert (asked.form, asked.query) == ({"x": "ä &"}, {"a": "b", "d": "1"})
        assert asked.headers["x-sent"] == "1"
        assert "x-left-out" not in asked.headers
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert asked.headers["host"] == ours.url.removeprefix("https://")
