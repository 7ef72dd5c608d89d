"""`token`: from the store, renewed when need be, in every form; and what it says where there is none to be had."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.command import COMMAND, environ_of, run
from entra_tokens import Token
from entra_tokens.cli.forms import written
from entra_tokens.cli.spans import in_words, seconds_of
from serving.stub import Stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from entra_tokens.emulator import Emulator


@pytest.fixture(scope="module")
def application(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where there is an application with a secret, and what it has got is stored."""
    variables = {"ENTRA_TOKENS_CREDENTIAL": "client-secret", "ENTRA_TOKENS_SCOPE": "api://some"}
    return environ_of(tmp_path_factory.mktemp("home"), {**emulator.environ("client_secret"), **variables})


@pytest.fixture(autouse=True)
def seen_nothing(emulator: Emulator) -> Iterator[None]:
    emulator.clear()
    yield
    emulator.heal()


def asked(emulator: Emulator) -> int:
    return len(emulator.token_requests)


def test_a_token_from_the_store_until_it_is_short(
    application: dict[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    application = {**application, "ENTRA_TOKENS_HOME": str(tmp_path)}
    first = run("token", environ=application)
    assert (first.returncode, asked(emulator)) == (0, 1)
    again = run("token", "--min-ttl=50m", "--format", "header", environ=application)
    assert again.stdout == f"Authorization: Bearer {first.stdout}"
    assert (again.stderr, asked(emulator)) == ("", 1)

    with emulator.fail("authority", status=503):  # it cannot be renewed: the one that lives is used
        short = run("token", "--min-ttl", "2h", environ=application)
    assert (short.returncode, short.stdout) == (0, first.stdout)
    assert "the stored token is used" in short.stderr
    assert "no token that lasts 2 hours" in short.stderr

    emulator.clear()
    renewed = run("token", "--min-ttl", "2h", "--json", environ=application)
    body = json.loads(renewed.stdout)
    assert body["token"] != first.stdout.strip()
    assert asked(emulator) == 1
    assert body["scopes"] == ["api://some/.default"]
    assert body["refresh_on"] < body["expires_on"]
    assert json.loads(run("token", "--json", environ=application).stdout)["token"] == body["token"]
    assert asked(emulator) == 1


def test_a_challenge_is_answered_by_a_new_token(application: dict[str, str], emulator: Emulator) -> None:
    claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    encoded = base64.b64encode(claims.encode()).decode()
    done = run("token", "--claims", encoded, environ=application)
    assert done.returncode == 0
    (request,) = emulator.token_requests
    assert json.loads(request.form["claims"])["access_token"]["acrs"]["value"] == "c1"
    who = json.loads(run("whoami", "--json", environ=application).stdout)
    assert (who["client_id"], who["tenant_id"]) == (emulator.client_id, emulator.tenant_id)
    assert asked(emulator) == 1  # by the token that is stored
    bad = run("token", "--claims", "{nonsense", environ=application)
    assert (bad.returncode, "WWW-Authenticate" in bad.stderr) == (2, True)


def test_whoami_says_a_name_where_no_application_is_named(tmp_path: Path) -> None:
    claims = {"preferred_username": "ada\x1b[2J\nroot", "exp": 4_000_000_000}
    token = f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"
    body = json.dumps({"access_token": token, "expires_on": "4000000000"})
    with Stub(lambda _: (200, {}, body)) as host:
        place = {"IDENTITY_ENDPOINT": f"{host.url}/msi/token", "IDENTITY_HEADER": "x"}
        done = run("whoami", "--credential", "managed-identity", environ=environ_of(tmp_path / "home", place))
    assert done.stdout == "ada?[2J?root\n    credential: managed-identity (--credential)\n"
    assert not any(tmp_path.iterdir())  # a question makes no store


# Not on the way to a stored token: what parses, what asks, and what of Python's own costs a process milliseconds.
HEAVY = {"asyncio", "azure", "cachetools", "click", "http", "httpx", "keyring", "msal", "rich", "segno", "ssl"}
HEAVY |= {"base64", "dataclasses", "glob", "inspect", "ipaddress", "logging", "pathlib", "platformdirs", "random"}
HEAVY |= {"subprocess", "urllib"}


def test_from_the_store_it_loads_no_parser_and_nothing_that_asks(application: dict[str, str], tmp_path: Path) -> None:
    # As most have it: no variable says where the store is.
    application = {**application, "ENTRA_TOKENS_HOME": "", "HOME": str(tmp_path)}
    script = f"""
import sys
for name in [name for name in sys.modules if name.partition(".")[0] in {HEAVY}]:
    del sys.modules[name]  # by an environment's .pth file: whether we load it, too, is to be seen
from entra_tokens.cli.quick import printed
print(printed(sys.argv[1:]), *sys.modules, file=sys.stderr)
"""
    run("token", environ=application)
    done = subprocess.run(
        [sys.executable, "-c", script, "token"], env=application, capture_output=True, text=True, check=True
    )
    code, *modules = done.stderr.split()
    assert code == "0"
    assert HEAVY & {name.partition(".")[0] for name in modules} == set()
    assert not {"entra_tokens.engine.engine", "entra_tokens.provider"} & set(modules)


KEYRING = """
import pathlib
from keyring.backend import KeyringBackend

class Backend(KeyringBackend):
    priority = 5
    file = pathlib.Path(__file__).with_suffix(".kept")

    def get_password(self, service, username):
        return self.file.read_text() if self.file.exists() else None

    def set_password(self, service, username, password):
        self.file.write_text(password)
"""


@pytest.mark.parametrize(("min_ttl", "code"), [("1m", "0"), ("100d", "None")])
def test_with_a_keyring_half_of_what_that_stands_on_is_not_loaded(
    application: dict[str, str], tmp_path: Path, min_ttl: str, code: str
) -> None:
    """Until it has been found that the full command is needed, which may use it."""
    (tmp_path / "kept.py").write_text(KEYRING)
    path = os.pathsep.join(filter(None, [str(tmp_path), application.get("PYTHONPATH", "")]))
    environ = {**application, "ENTRA_TOKENS_HOME": str(tmp_path / "home"), "PYTHONPATH": path}
    environ["PYTHON_KEYRING_BACKEND"] = "kept.Backend"
    script = """
import sys
from entra_tokens.cli.quick import printed
print(printed(["token", "--min-ttl", sys.argv[1]]), *sys.modules, file=sys.stderr)
"""
    assert run("token", environ=environ).stdout
    done = subprocess.run(
        [sys.executable, "-c", script, min_ttl], env=environ, capture_output=True, text=True, check=True
    )
    status, *modules = done.stderr.split()
    assert status == code
    assert {"keyring", "urllib.request"} <= set(modules)
    assert ("http.client" in modules) == (status == "None")
    assert (tmp_path / "kept.kept").exists()


@pytest.mark.parametrize(
    ("spoilt", "status", "says"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, 4, "AADSTS7000215"),
        ({"AZURE_AUTHORITY_HOST": "https://localhost:1"}, 6, "entra-tokens doctor"),
        ({"ENTRA_TOKENS_PROFILE": "missing"}, 7, "login --profile missing"),
        ({"ENTRA_TOKENS_CREDENTIAL": "device-code"}, 5, "Type: entra-tokens login\n"),
        (
            {"ENTRA_TOKENS_CREDENTIAL": "", "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential", "AZURE_TENANT_ID": ""},
            3,
            "entra-tokens login",
        ),
    ],
)
def test_what_stands_in_the_way(
    application: dict[str, str], tmp_path: Path, spoilt: dict[str, str], status: int, says: str
) -> None:
    done = run("token", environ={**application, "ENTRA_TOKENS_HOME": str(tmp_path), **spoilt})
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert application["AZURE_CLIENT_SECRET"] not in done.stderr


def test_nobody_reads(application: dict[str, str]) -> None:
    """`entra-tokens token | head -0`"""
    run("token", environ=application)  # the first says once where the store's key is
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen([COMMAND, "token"], env=application, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode == 141


TOKEN = Token("a.b-c_d", expires_on=1_700_003_600, refresh_on=1_700_002_000, scopes=("api://some/.default",))
KUBERNETES = "client.authentication.k8s.io/"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("token", "a.b-c_d"),
        ("header", "Authorization: Bearer a.b-c_d"),
        (
            "json",
            {
                "token": "a.b-c_d",
                "expires_on": 1_700_003_600,
                "refresh_on": 1_700_002_000,
                "scopes": ["api://some/.default"],
                "token_type": "Bearer",
            },
        ),
        (
            "k8s",
            {
                "apiVersion": KUBERNETES + "v1",
                "kind": "ExecCredential",
                "status": {"token": "a.b-c_d", "expirationTimestamp": "2023-11-14T23:13:20Z"},
            },
        ),
        (
            "credential-process",
            {"Version": 1, "AccessToken": "a.b-c_d", "TokenType": "Bearer", "Expiration": "2023-11-14T23:13:20Z"},
        ),
    ],
)
def test_the_forms(form: str, expected: object) -> None:
    text = written(TOKEN, form)
    assert (text if isinstance(expected, str) else json.loads(text)) == expected


def test_kubectl_gets_the_version_that_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for asked_for, given in ((KUBERNETES + "v1beta1", KUBERNETES + "v1beta1"), ("evil/v9", KUBERNETES + "v1")):
        monkeypatch.setenv("KUBERNETES_EXEC_INFO", json.dumps({"apiVersion": asked_for}))
        assert json.loads(written(TOKEN, "k8s"))["apiVersion"] == given


@pytest.mark.parametrize("value", ["a.b-c_d", "it's $HOME; `x`"])
def test_a_shell_reads_what_env_says(value: str) -> None:
    token = Token(value, expires_on=1_700_003_600)
    script = (
        written(token, "env") + '\nprintf "%s|%s|%s" "$ENTRA_TOKEN" "$ENTRA_TOKEN_EXPIRES_ON" "$H2OGPTE_AZURE_TOKEN"'
    )
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown == f"{value}|1700003600|{value}"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)]
)
def test_spans_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10x", "-5m", "ten", "1h-5m", "5 m", "1..5h", "१m"])
def test_no_spans_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (61, "1 minute 1 second"),
        (3100, "51 minutes"),
        (3900, "1 hour 5 minutes"),
        (86400, "1 day"),
        (9 * 86400 + 7200, "9 days"),
    ],
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
