"""The troubleshooting guide on the command line, and errors in the command's words."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.command import environ_of
from entra_tokens import ConfigurationError, CredentialUnavailable, InvalidCredential
from entra_tokens.cli.app import group
from entra_tokens.cli.guide import places, section
from entra_tokens.cli.plainly import as_typed

ROOT = Path(__file__).parents[2]
CHAIN = """\
Default(Environment, WorkloadIdentity, ManagedIdentity): none of its 3 credentials is available here.
  Environment: AZURE_TENANT_ID not set. (0.00 s)
  WorkloadIdentity: not set: AZURE_CLIENT_ID (client_id=), AZURE_FEDERATED_TOKEN_FILE (token_file=). (0.00 s)
  ManagedIdentity: ManagedIdentity(client_id='c') at IMDS: nobody answers. (1.00 s)"""


@pytest.mark.parametrize(
    ("error", "typed"),
    [
        (
            CredentialUnavailable(CHAIN, anchor="chains"),
            (
                "default: none of its 3 credentials is available here.\n"
                "  environment: AZURE_TENANT_ID not set. (0.00 s)\n"
                "  workload-identity: not set: AZURE_CLIENT_ID (--client-id), AZURE_FEDERATED_TOKEN_FILE. (0.00 s)\n"
                "  managed-identity (--client-id c) at IMDS: nobody answers. (1.00 s)\n"
                "More: entra-tokens explain chains"
            ),
        ),
        (
            InvalidCredential("Environment(ClientSecret(tenant_id='t', client_id='c')) was refused.", anchor="aadsts7"),
            "client-secret (--tenant t --client-id c) was refused.\nMore: entra-tokens explain AADSTS7",
        ),
        (RuntimeError("azure_token(): the authority gives none."), "the authority gives none."),
        (
            ConfigurationError("Is it tenant_id=, authority= or verify=? Not token_file=, --scope=."),
            "Is it --tenant, --authority or --ca? Not token_file=, --scope=.\nMore: entra-tokens explain configuration",
        ),
    ],
)
def test_an_error_names_what_was_typed_and_what_to_type(error: Exception, typed: str) -> None:
    assert as_typed(str(error)) == typed


def test_each_place_can_be_read() -> None:
    assert "the-store" in places()
    for place in places():
        text = section(place) or ""
        assert text.count("\n") >= 2, place
        assert not any(markup in text for markup in ("](", "|--", "```", "**", "<a ")), place
    shown = CliRunner().invoke(group, ["explain", "-"], input="... See docs/troubleshooting.md#the-store.").output
    assert shown.startswith("The store\n")
    assert "\n    do: Give it to this user (`chown`), or move it away: it is never taken over.\n" in shown
    assert "see The store (entra-tokens explain the-store)" in (section("device-code-and-browser") or "")
    nothing = CliRunner().invoke(group, ["explain", "no-such-place"])
    assert (nothing.exit_code, "the-store" in nothing.output) == (2, True)


@pytest.mark.filterwarnings("ignore")  # what the build tool is warned of is not ours
def test_the_wheel_holds_it(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "entra_tokens", "explain", "the-store"],
        env={**environ_of(tmp_path), "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("The store\n")
