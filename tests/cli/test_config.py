"""Where a setting comes from, and the file that profiles are in."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cli.command import environ_of, run
from entra_tokens import ConfigurationError
from entra_tokens.cli.profile_file import change_profile
from entra_tokens.cli.profiles import config_file, read_profiles
from entra_tokens.cli.settings import resolve

WRITTEN_BY_HAND = """\
# what we use at work
[profiles.work]
tenant = "contoso.com"   # the big one
scope = "api://work"
ca = "/etc/work.pem"

[profiles."at home"]
credential = "azure-cli"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENTRA_TOKENS_HOME", str(tmp_path))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN_BY_HAND)
    return path


def test_each_setting_says_where_it_came_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRA_TOKENS_PROFILE", "work")
    monkeypatch.setenv("ENTRA_TOKENS_SCOPE", "api://by-variable")
    monkeypatch.setenv("AZURE_TENANT_ID", "by-variable")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/the-machines.pem")
    settings = resolve({"tenant": "by-flag", "scope": None})
    found = {name: (each.value, each.source) for name, each in settings.fields.items()}
    assert (settings.profile.value, settings.profile.source) == ("work", "ENTRA_TOKENS_PROFILE")
    assert found["tenant"] == ("by-flag", "--tenant")
    assert found["scope"] == ("api://by-variable", "ENTRA_TOKENS_SCOPE")
    assert found["ca"] == ("/etc/work.pem", "profile work")
    assert found["credential"] == ("default", "default")
    assert found["client_id"] == (None, "")
    monkeypatch.delenv("ENTRA_TOKENS_PROFILE")
    assert resolve({}).fields["ca"].source == "SSL_CERT_FILE"
    assert resolve({"profile": "at home"}).credential == "azure-cli"


def test_what_is_changed_leaves_the_rest_as_it_was_written(file: Path) -> None:
    change_profile("work", {"scope": "api://new", "client_id": 'with "quotes"', "ca": None})
    change_profile("at home", {"tenant": "x"})
    change_profile("third", {"tenant": "y"})
    text = file.read_text()
    assert (
        text
        == WRITTEN_BY_HAND.replace(
            'scope = "api://work"\nca = "/etc/work.pem"\n', 'scope = "api://new"\nclient_id = "with \\"quotes\\""\n'
        )
        + 'tenant = "x"\n\n[profiles.third]\ntenant = "y"\n'
    )
    assert read_profiles()["work"]["client_id"] == 'with "quotes"'
    change_profile("third", {"ca": "relative.pem"})
    assert read_profiles()["third"]["ca"] == str(Path("relative.pem").absolute())
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_to_a_file_stays_one(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    file.rename(kept)
    file.symlink_to(kept)
    change_profile("work", {"scope": "api://new"})
    assert file.is_symlink()
    assert 'scope = "api://new"' in kept.read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[profiles.work", "no TOML"),
        ("profiles = 1", "tables such as"),
        ("[profiles.work]\nscope = 1", "no setting with a text"),
        ('[profiles.work]\nclient_secret = "x"', "Secrets do not belong there"),
        ('profiles.work.scope = "api://x"', "by hand"),
        (b"\xff", "is no UTF-8"),
    ],
)
def test_a_file_that_holds_something_else_is_left_alone(file: Path, text: str | bytes, says: str) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as raised:
        change_profile("work", {"scope": "api://new"})
    assert str(file) in str(raised.value)
    assert file.read_bytes() == content


def test_a_pipe_in_its_place_is_not_waited_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    for use in (read_profiles, lambda: change_profile("work", {"scope": "api://new"})):
        with pytest.raises(ConfigurationError, match=f"{file} cannot be read: it is no file, but a pipe"):
            use()
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigurationError, match="it is a folder"):
        read_profiles()


def test_without_a_home_variable_it_is_where_the_system_has_such_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ENTRA_TOKENS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    found = Path(config_file() or "")
    assert found.name == "config.toml"
    assert tmp_path in found.parents


def test_the_command(tmp_path: Path) -> None:
    environ = {**environ_of(tmp_path, {"ENTRA_TOKENS_SCOPE": "api://by-variable"})}
    made = run("config", "set", "--profile", "work", "tenant", "contoso.com", environ=environ)
    run("config", "set", "--profile", "work", "client-id", "y", environ=environ)  # as the flag is written
    assert (made.returncode, made.stdout) == (0, "")
    assert "'SETTING'. Choose from: credential, scope, " in run("config", "set", environ=environ).stderr
    shown = run("config", "--profile", "work", "--client-id", "x", environ=environ)
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in shown.stdout.splitlines()}
    assert rows["tenant"] == ["contoso.com", "profile work"]
    assert rows["client_id"] == ["x", "--client-id"]
    assert rows["scope"] == ["api://by-variable", "ENTRA_TOKENS_SCOPE"]
    assert rows["address"] == ["-", "not set"]
    assert f"{tmp_path}/config.toml has the profiles work" in shown.stderr
    assert 'client_id = "y"' in (tmp_path / "config.toml").read_text()
    facts = json.loads(run("config", "--json", environ=environ).stdout)
    assert facts["file"] == f"{tmp_path}/config.toml"
    assert facts["settings"]["credential"] == {"value": "default", "source": "default"}
