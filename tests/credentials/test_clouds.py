"""Sovereign clouds: every spelling of an authority ends at that cloud's own host, and nowhere else.

What a name resolves to would be the internet's business; a proxy is told where a request is going, and refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entra_tokens import ClientAssertion, ClientSecret, DeviceCode
from entra_tokens.authority.ci_tokens import exchange_audience
from entra_tokens.errors import AuthorityUnavailable
from entra_tokens.request import TokenRequest
from faults.listening import Stranger

if TYPE_CHECKING:
    from authority import stub

# the cloud: (its network host, other spellings, its Resource Manager, the audience of federated tokens)
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
CLOUDS = {
    "public": (
        "login.microsoftonline.com",
        ["https://login.microsoftonline.com/", "login.windows.net", "sts.windows.net"],
        "https://management.azure.com",
        "api://AzureADTokenExchange",
    ),
    "government": (
        "login.microsoftonline.us",
        ["login.microsoftonline.us", "https://LOGIN.microsoftonline.us:443/", "login.usgovcloudapi.net"],
        "https://management.usgovcloudapi.net",
        "api://AzureADTokenExchangeUSGov",
    ),
    "china": (
        "login.partner.microsoftonline.cn",
        ["https://login.partner.microsoftonline.cn", "https://login.chinacloudapi.cn", "login.chinacloudapi.cn/"],
        "https://management.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
    ),
    "one to come": (
        "login.sovcloud-identity.fr",
        ["https://login.sovcloud-identity.fr"],
        "https://management.sovcloud-api.fr",
        "api://AzureADTokenExchange",
    ),
}
KINDS: dict[str, Any] = {
    "secret": lambda **options: ClientSecret("tenant.example", "client", "s3cret", **options),
    "assertion": lambda **options: ClientAssertion("tenant.example", "client", lambda: "assertion", **options),
    "person": lambda **options: DeviceCode("client", "tenant.example", remember=False, **options),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_authority_is_the_only_host_that_is_asked(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody vouches for it: no instance discovery at the public cloud, whatever the kind of credential."""
    host, spellings, resource, audience = CLOUDS[cloud]
    asked = TokenRequest((f"{resource}/.default",))
    with Stranger() as proxy:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", spellings[-1])
        for make in KINDS.values():
            with pytest.raises(AuthorityUnavailable):
                make(proxy=proxy.url, timeout=10).acquire(asked)
        assert {heard.split(b"\r\n")[0] for heard in proxy.heard} == {f"CONNECT {host}:443 HTTP/1.1".encode()}
        assert len(proxy.heard) == len(KINDS)
    from_environment = KINDS["secret"]().identity
    monkeypatch.delenv("AZURE_AUTHORITY_HOST")
    same = {KINDS["secret"](authority=spelling).identity for spelling in spellings} | {from_environment}
    assert len(same) == 1, "every spelling is the same identity, and shares its token"
    assert exchange_audience(f"https://{host}") == audience


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("slash", ["", "/"], ids=["plain", "trailing slash"])
def test_its_resources_go_out_in_both_forms(
    cloud: str, slash: str, entra: stub.Service, metadata: stub.Service, ca: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """v2 (scope=) to an authority, v1 (resource=) to a managed-identity host; a trailing slash is part of the name."""
    from entra_tokens import ManagedIdentity

    resource = CLOUDS[cloud][2] + slash
    asked = TokenRequest((resource,))
    assert asked == TokenRequest((f"{resource}/.default",))
    ClientSecret("t.example", "c", "s", authority=entra.url, verify=ca).acquire(asked)
    assert [each.form["scope"] for each in entra.requests if each.form] == [f"{resource}/.default"]
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url)
    ManagedIdentity().acquire(asked)
    assert [each.query["resource"] for each in metadata.requests] == [resource]
