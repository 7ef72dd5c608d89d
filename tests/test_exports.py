"""What users import: the names of the contract, all of them, and nothing heavy on the way."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import entra_tokens
import entra_tokens.errors
import entra_tokens.testing

# §2
ENGINE = {
    "AsyncTokenProvider", "ProviderStatus", "RefreshPolicy", "Token", "TokenEvent", "TokenProvider", "TokenRequest",
}  # fmt: skip
# §3
CREDENTIALS = {
    "AzureCli", "AzureDeveloperCli", "AzureIdentity", "AzurePipelines", "AzurePowerShell", "Chain",
    "ClientAssertion", "ClientCertificate", "ClientSecret", "Credential", "Default", "DeviceCode",
    "DeviceCodePrompt", "Environment", "GitHubActions", "InteractiveBrowser", "ManagedIdentity", "OnBehalfOf",
    "StaticToken", "WorkloadIdentity",
}  # fmt: skip
# §4
ERRORS = {
    "AuthenticationFailed", "AuthorityUnavailable", "ConfigurationError", "ConsentRequired", "CredentialUnavailable",
    "EntraTokensError", "InteractionRequired", "InvalidCredential", "StoreError", "TokenTimeout",
}  # fmt: skip
# §5
STORES = {"FileStore"}
# Issue 4: for callers of APIs that challenge.
HELPERS = {"claims_from_challenge"}
# Of later issues. Whoever builds one moves it up.
LATER = {"RedisStore"}


def test_all_is_what_the_contract_names() -> None:
    """Every class and error named in §2-§5 is imported from `entra_tokens` itself."""
    assert set(entra_tokens.__all__) == ENGINE | CREDENTIALS | ERRORS | STORES | HELPERS
    assert len(entra_tokens.__all__) == len(set(entra_tokens.__all__))
    assert not LATER & set(dir(entra_tokens)), "no longer later"


@pytest.mark.parametrize("name", sorted(ENGINE | CREDENTIALS | ERRORS | STORES | HELPERS))
def test_every_name_is_there_and_says_whose_it_is(name: str) -> None:
    thing = getattr(entra_tokens, name)
    assert thing.__name__ == name
    assert thing.__module__.split(".")[0] == "entra_tokens"
    assert thing.__doc__
    assert name in dir(entra_tokens)


def test_a_star_import_gives_exactly_these() -> None:
    names: dict[str, object] = {}
    exec("from entra_tokens import *", names)
    assert set(names) - {"__builtins__"} == set(entra_tokens.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'entra_tokens' has no attribute 'TokenProvder'"):
        _ = entra_tokens.TokenProvder
    with pytest.raises(ImportError):
        exec("from entra_tokens import TokenProvder")


def test_the_fakes_are_public() -> None:
    """`entra_tokens.testing`: `ManualClock`, `ScriptedCredential`, `fresh_engine(clock=…)`."""
    assert set(entra_tokens.testing.__all__) == {"ManualClock", "ScriptedCredential", "fresh_engine"}


def test_every_module_s_all_is_there() -> None:
    for found in pkgutil.walk_packages(entra_tokens.__path__, "entra_tokens."):
        if found.name.endswith("__main__") or ".emulator" in found.name:  # that one is an extra
            continue
        module = importlib.import_module(found.name)
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{found.name} lacks {name}"


HEAVY = ["asyncio", "azure", "cachetools", "cryptography", "h2ogpte", "httpx", "msal", "requests", "trio", "ssl"]


@pytest.mark.parametrize(
    "script",
    [
        "import entra_tokens",
        "import entra_tokens; dir(entra_tokens); entra_tokens.__version__",
        "from entra_tokens import TokenProvider, Token, RefreshPolicy, AuthenticationFailed",
        "from entra_tokens import TokenProvider, StaticToken; TokenProvider(StaticToken('t', 4e9), 'api://app')",
        (
            "from entra_tokens import TokenProvider; from entra_tokens.testing import *; "
            "TokenProvider(ScriptedCredential(), 'api://app').as_async().with_scope('x://y').status()"
        ),
    ],
)
def test_importing_loads_nothing_heavy(script: str) -> None:
    """Names are loaded when first used: importing the package, or making a provider, loads no library."""
    script = f"import sys; {script}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split() == []
