"""The fixture, in runs of pytest of their own: what a user's tests see of it, and what those see who do not use it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from entra_tokens.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PLUGIN = "entra_tokens.emulator.pytest_plugin"

pytestmark = pytest.mark.timeout(120)  # one of them imports h2ogpte

pytest_plugins = "pytester"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run a user's test file with our plugin and no other, whether or not it is installed here."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with Emulator():  # the keys are there: they are made once for a machine
        pass

    def run(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(dedent(source))
        return pytester.runpytest_subprocess("-p", PLUGIN, "-W", "error", *arguments, timeout=110)

    return run


def test_unmodified_code_talks_to_it(run: Callable[..., pytest.RunResult]) -> None:
    result = run(
        """
        import asyncio
        import os

        import h2o_authn
        import jwt
        import pytest
        import requests
        from azure.identity import DefaultAzureCredential, EnvironmentCredential, ManagedIdentityCredential

        from entra_tokens import Environment, ManagedIdentity, TokenProvider

        def test_azure_identity(entra_emulator):
            with EnvironmentCredential(disable_instance_discovery=True) as credential:
                token = credential.get_token("https://management.azure.com/.default")
            assert token.expires_on - entra_emulator.now() == pytest.approx(3600, abs=60)
            assert [each.grant for each in entra_emulator.token_requests] == ["client_credentials"]

        def test_azure_identity_on_a_managed_identity(entra_emulator):
            with ManagedIdentityCredential() as credential:
                assert credential.get_token("https://management.azure.com/.default").token
            assert [each.grant for each in entra_emulator.token_requests] == ["managed_identity"]

        def test_azure_identity_by_default(entra_emulator):
            entra_emulator.place("imds")
            with DefaultAzureCredential(exclude_interactive_browser_credential=True) as credential:
                assert credential.get_token("https://management.azure.com/.default").token
            assert {each.target for each in entra_emulator.token_requests} == {"imds"}

        @pytest.mark.parametrize("credential", [Environment, ManagedIdentity])
        def test_ours(entra_emulator, credential):
            provider = TokenProvider(credential(), entra_emulator.h2ogpte_scope)
            assert provider.token() == provider.token()
            assert len(entra_emulator.token_requests) == 1

        def test_a_script_on_requests(entra_emulator):
            form = {
                "grant_type": "client_credentials",
                "client_id": os.environ["AZURE_CLIENT_ID"],
                "client_secret": os.environ["AZURE_CLIENT_SECRET"],
                "scope": "https://graph.microsoft.com/.default",
            }
            tenant = os.environ["AZURE_AUTHORITY_HOST"] + "/" + os.environ["AZURE_TENANT_ID"]
            answer = requests.post(tenant + "/oauth2/v2.0/token", data=form, timeout=10)
            assert answer.json()["token_type"] == "Bearer"

        def h2o(emulator, kind=h2o_authn.TokenProvider):
            endpoint = os.environ["AZURE_AUTHORITY_HOST"] + "/" + os.environ["AZURE_TENANT_ID"] + "/oauth2/v2.0/token"
            refresh_token = emulator.refresh_token()
            client_id = os.environ["AZURE_CLIENT_ID"]
            return kind(refresh_token=refresh_token, client_id=client_id, token_endpoint_url=endpoint)

        def test_h2o_authn(entra_emulator):
            provider = h2o(entra_emulator)
            first = str(provider.token())
            assert str(provider.token()) == first
            assert provider() == first
            entra_emulator.advance(7200)
            with entra_emulator.fail("token", error="invalid_grant"), pytest.raises(h2o_authn.error.TokenEndpointError):
                h2o(entra_emulator).token()
            assert [each.grant for each in entra_emulator.token_requests] == ["refresh_token"] * 2

        def test_h2o_authn_asynchronously(entra_emulator):
            async def ask():
                return str(await h2o(entra_emulator, h2o_authn.AsyncTokenProvider).token())

            claims = jwt.decode(asyncio.run(ask()), options={"verify_signature": False})
            assert claims["aud"] == entra_emulator.directory.h2ogpte_id

        def test_a_place(entra_emulator):
            variables = entra_emulator.place("app_service")
            assert variables.items() <= os.environ.items()
            assert "AZURE_CLIENT_SECRET" not in os.environ
            provider = TokenProvider(ManagedIdentity(), entra_emulator.h2ogpte_scope)
            provider.token()
            assert [each.target for each in entra_emulator.token_requests] == ["app_service"]
        """
    )
    result.assert_outcomes(passed=9)


def test_it_fails_and_moves_time_when_told(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
        import pytest

        from entra_tokens import AuthorityUnavailable, Environment, InvalidCredential, TokenProvider

        def test_an_outage(entra_emulator):
            provider = TokenProvider(Environment(), entra_emulator.h2ogpte_scope)
            with entra_emulator.fail("token", status=503), pytest.raises(AuthorityUnavailable):
                provider.token()

        def test_a_refusal(entra_emulator):
            entra_emulator.fail("token", error="invalid_client", times=1)
            with pytest.raises(InvalidCredential):
                TokenProvider(Environment(), entra_emulator.h2ogpte_scope).token()

        def test_expiry(entra_emulator):
            provider = TokenProvider(Environment(), entra_emulator.h2ogpte_scope)
            first = provider.token()
            entra_emulator.advance(3601)
            assert provider.token() != first
            assert len(entra_emulator.token_requests) == 2
        """
    ).assert_outcomes(passed=3)


def test_tests_share_nothing(run: Callable[..., pytest.RunResult]) -> None:
    """Each asks for its own token, once; a fault, a clock and the environment of one are not met by the next."""
    run(
        """
        import os

        import pytest

        from entra_tokens import ManagedIdentity, TokenProvider
        from entra_tokens.engine.engine import current_engine

        seen, engines, homes = [], [current_engine()], []

        @pytest.mark.parametrize("number", range(3))
        def test_one_of_three(entra_emulator, number):
            assert os.environ["AZURE_TENANT_ID"] == entra_emulator.tenant_id
            provider = TokenProvider(ManagedIdentity(), "api://the-same/.default")
            token = str(provider.token())
            assert token == str(provider.token())
            assert len(entra_emulator.requests) == 1
            assert token not in seen and entra_emulator.tenant_id not in seen
            seen.extend([token, entra_emulator.tenant_id])
            assert current_engine() not in engines
            engines.append(current_engine())
            assert os.environ["ENTRA_TOKENS_HOME"] not in homes
            homes.append(os.environ["ENTRA_TOKENS_HOME"])
            entra_emulator.advance(7200)
            entra_emulator.fail("*", fault="reset")

        def test_nothing_is_left(request):
            assert "AZURE_TENANT_ID" not in os.environ
            assert "AZURE_POD_IDENTITY_AUTHORITY_HOST" not in os.environ
            assert current_engine() is engines[0]
        """
    ).assert_outcomes(passed=4)


def test_its_keys_are_made_once(run: Callable[..., pytest.RunResult]) -> None:
    """What a test costs is the emulator's start; the second of making an RSA key would be most of it."""
    run(
        """
        import pytest
        from cryptography.hazmat.primitives.asymmetric import rsa

        @pytest.fixture(autouse=True, scope="module")
        def made():
            made, make = [], rsa.generate_private_key
            rsa.generate_private_key = lambda *a, **k: made.append(1) or make(*a, **k)
            yield made
            rsa.generate_private_key = make

        @pytest.mark.parametrize("number", range(3))
        def test_one(entra_emulator, made, number):
            assert entra_emulator.authority
            assert not made
        """
    ).assert_outcomes(passed=3)


LIFETIMES = """
    import pytest

    def test_the_session_s(entra_emulator):
        assert entra_emulator.lifetime == {}

    @pytest.mark.entra_emulator(lifetime=90, refresh_in=30)
    class TestMarked:
        def test_the_class_s(self, entra_emulator):
            assert (entra_emulator.lifetime, entra_emulator.refresh_in) == (90, 30)

        @pytest.mark.entra_emulator(lifetime=5)
        def test_its_own(self, entra_emulator):
            assert (entra_emulator.lifetime, entra_emulator.refresh_in) == (5, 30)
"""


@pytest.mark.parametrize(
    ("written", "arguments", "lifetime"),
    [("", [], 3600), ("600", [], 600), ("600", ["--entra-emulator-lifetime=300"], 300)],
)
def test_the_lifetime_is_chosen(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, written: str, arguments: list[str], lifetime: int
) -> None:
    pytester.makeini(f"[pytest]\nentra_emulator_lifetime = {written}\n")
    run(LIFETIMES.format(lifetime), "--strict-markers", *arguments).assert_outcomes(passed=3)


def test_a_lifetime_that_is_none_is_a_mistake_of_usage(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\nentra_emulator_lifetime = long\n")
    result = run("def test_it(entra_emulator): pass")
    assert result.ret
    result.stdout.fnmatch_lines(["*entra_emulator_lifetime is a number of seconds, not 'long'*"])


def test_who_does_not_use_it_pays_nothing(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
        import os
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.partition(".")[0] == "entra_tokens"}
            assert ours == {"entra_tokens", "entra_tokens.emulator", "entra_tokens.emulator.pytest_plugin"}
            assert not {"starlette", "uvicorn", "cryptography", "jwt", "httpx", "msal"} & set(sys.modules)
            assert not [name for name in os.environ if name.startswith("AZURE_")]
        """
    ).assert_outcomes(passed=1)


def test_the_documented_tests_pass(run: Callable[..., pytest.RunResult]) -> None:
    document = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    tests = [block for block in blocks if "entra_emulator" in block]
    run("\n".join(tests)).assert_outcomes(passed=2)


def test_it_is_named_to_pytest() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.search(r'^\[project\.entry-points\.pytest11\]\nentra_tokens = "(.+)"$', project, re.MULTILINE)
    assert named
    assert named[1] == PLUGIN


def test_without_the_extra_it_says_what_to_install(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_it(entra_emulator): pass")
    lame = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); sys.modules['starlette'] = None\n"
    lame += f"import pytest; sys.exit(pytest.main(['-p', {PLUGIN!r}, '-p', 'no:cacheprovider']))"
    done = subprocess.run(
        [sys.executable, "-c", lame], capture_output=True, text=True, cwd=pytester.path, timeout=50, check=False
    )
    assert "pip install 'entra-tokens[emulator]'" in done.stdout
