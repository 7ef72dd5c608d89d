"""`inspect` and `explain`: what they find, offline."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cli.command import environ_of, run
from entra_tokens.cli.app import group
from entra_tokens.cli.reading import read, taken_out
from entra_tokens.cli.verdicts import verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NOW = 1_700_000_000.0
TENANT, OTHER, APP = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
V2 = {
    "ver": "2.0",
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "tid": TENANT,
    "aud": APP,
    "azp": OTHER,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 3600,
    "scp": "access_as_user",
}
V1 = {
    **{name: V2[name] for name in ("tid", "iat", "nbf", "exp")},
    "ver": "1.0",
    "iss": f"https://sts.windows.net/{TENANT}/",
    "aud": f"api://{APP}",
    "appid": OTHER,
    "roles": ["Reader"],
}

NESTED = base64.urlsafe_b64encode(b"[" * 90_000).decode()  # deeper than a parser goes


def jwt(claims: dict[str, Any], **header: Any) -> str:
    parts = ({"alg": "RS256", "typ": "JWT", **header}, {name: value for name, value in claims.items() if value})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".sig"


def found(token: str, scope: str | None = f"api://{APP}", tenant: str | None = TENANT) -> tuple[set[str], set[str]]:
    said = verdicts(read(token), now=NOW, scope=scope, tenant=tenant)
    return {one.code for one in said if one.refuses}, {one.code for one in said if not one.refuses}


@pytest.mark.parametrize("claims", [V1, V2, {**V2, "scp": None, "roles": ["Reader"]}])
def test_a_good_token(claims: dict[str, Any]) -> None:
    for scope in (f"api://{APP}", f"api://{APP}/.default", f"api://{TENANT}/{APP}/.default", f"{APP}/.default"):
        if f"api://{TENANT}" in scope and claims is V1:
            continue  # v1 names the resource as it was asked for
        assert found(jwt(claims), scope) == (set(), set())


@pytest.mark.parametrize(
    ("changes", "refused", "worth_knowing"),
    [
        ({"exp": NOW}, {"expired"}, set()),
        ({"exp": NOW + 299}, set(), {"expires_soon"}),
        ({"exp": None}, {"no_expiry"}, set()),
        ({"nbf": NOW + 1}, {"not_yet_valid"}, set()),
        ({"iat": NOW + 61}, set(), {"clock"}),
        ({"aud": OTHER}, {"wrong_audience"}, set()),
        ({"aud": "https://graph.microsoft.com"}, {"wrong_audience"}, set()),
        ({"aud": None}, {"no_audience"}, set()),
        ({"tid": OTHER}, {"wrong_tenant", "issuer"}, set()),
        ({"iss": "https://evil.example"}, {"issuer"}, set()),
        ({"scp": None}, set(), {"no_permissions"}),
        ({"scp": None, "azp": None, "sub": "x", "nonce": "n"}, {"id_token"}, set()),
    ],
)
def test_what_is_wrong_with_a_token(changes: dict[str, Any], refused: set[str], worth_knowing: set[str]) -> None:
    assert found(jwt({**V2, **changes})) == (refused, worth_knowing)


def test_what_cannot_be_told() -> None:
    assert found(jwt(V2), scope=None) == (set(), {"audience_unchecked"})
    assert found(jwt(V2), scope="api://a-name") == (set(), {"audience_unchecked"})  # whose id is APP, perhaps
    assert found(jwt(V1), scope="api://a-name")[0] == {"wrong_audience"}  # which v1 would name
    assert found(jwt(V2), tenant="contoso.com") == (set(), set())
    assert found(jwt(V2, nonce="x"), scope=None)[1] == {"graph_token"}
    assert found(jwt(V2, alg="none"))[0] == {"unsigned"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (jwt(V2), "access"),
        (jwt(V2, nonce="x"), "graph"),
        (f"{jwt({})}.x.y", "encrypted"),
        ("1.AXoA" + "x" * 60, "refresh"),
        ("0.AXoA" + "x" * 60 + ".AgABAwEAAAApTwJmzXqdR4BN2miheQMY", "refresh"),
        ("abc8Q~" + "d" * 34, "secret"),
        ("opaque", "opaque"),
        ("a.b.c", "opaque"),
        (jwt({}), "opaque"),
        (f"{jwt(V2).partition('.')[0]}.{NESTED}.sig", "opaque"),
        (f"{NESTED}.{NESTED}.sig", "opaque"),
        ('{"token":' * 100_000, "opaque"),
    ],
)
def test_what_a_text_is(text: str, kind: str) -> None:
    assert read(taken_out(text)).kind == kind


@pytest.mark.parametrize(
    "form",
    [
        "{}\n",
        "Bearer {}",
        "Authorization: Bearer {}",
        "authorization: bearer-ad {}",
        '"{}"',
        '{{"accessToken": "{}"}}',
        '{{"token": "{}", "expires_on": 1}}',
        '{{"kind": "ExecCredential", "status": {{"token": "{}"}}}}',
    ],
)
def test_a_token_is_found_however_it_was_copied(form: str) -> None:
    token = jwt(V2)
    assert taken_out(form.format(token)) == token


def invoked(*arguments: str, given: str = "") -> Result:
    """What the command does, in this process."""
    return CliRunner().invoke(group, arguments, input=given, prog_name="entra-tokens")


def test_the_command(tmp_path: Path) -> None:
    evil = jwt({**V2, "name": "\x1b[31mred\x07", "exp": 1e300, "preferred_username": "ada é"})
    environ = environ_of(tmp_path, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    done = run("inspect", "--scope", f"api://{OTHER}", environ=environ, input=evil)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Access token, v2.0\n")
    assert "ada \\xe9" in done.stdout
    assert "\x1b" not in done.stdout
    assert f"Will be refused:\n  It is for '{APP}'" in done.stdout
    facts = json.loads(invoked("inspect", "-", "--json", given=jwt({**V2, "exp": NOW})).stdout)
    assert facts["refused"] is True
    assert "expired" in {one["code"] for one in facts["problems"]}
    assert facts["claims"]["aud"] == APP
    assert invoked("inspect").exit_code == 2  # nothing is piped in
    endless = json.loads(invoked("inspect", "--json", given=jwt({**V2, "exp": float("inf"), "nbf": 10**400})).stdout)
    assert (endless["expires_on"], [each["code"] for each in endless["problems"]]) == (None, ["no_expiry"])


def test_explain_finds_codes_in_pasted_text(tmp_path: Path) -> None:
    text = "invalid_client: AADSTS7000215: Invalid client secret provided. Trace ID: 1234 and AADSTS9999999"
    done = run("explain", "-", environ=environ_of(tmp_path), input=f"\xff\xfe {text}", encoding="latin-1")
    assert done.returncode == 0
    assert "AADSTS7000215: " in done.stdout
    assert "What to do: " in done.stdout
    assert "https://login.microsoftonline.com/error?code=9999999" in done.stdout
    (row,) = json.loads(invoked("explain", "50076", "--json").stdout)
    assert {"code", "meaning", "remedy", "source"} == set(row)
    both = json.loads(invoked("explain", "AADSTS7000215", "50076", "--json").stdout)
    assert [row["code"] for row in both] == [7000215, 50076]
    assert invoked("explain", "nothing").exit_code == 2
