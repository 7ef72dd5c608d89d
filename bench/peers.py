"""The libraries measured, each made as its documentation has it, and reduced to "give me a token".

Imports are inside: a fresh process that measures one library must not hold the others.
"""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from outcome import AZURE, H2O, MSAL, OURS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from service import Facts

__all__ = ["ASYNC", "SYNC", "azure", "azure_aio", "h2o", "h2o_aio", "msal_app", "msal_token", "our_provider"]


def our_provider(facts: Facts, **options: Any) -> Any:
    from entra_tokens import ClientSecret, TokenProvider

    credential = ClientSecret(
        facts.tenant_id, facts.client_id, facts.client_secret, authority=facts.authority, verify=facts.ca_file
    )
    return TokenProvider(credential, facts.scope, **options)


def azure(facts: Facts) -> Any:
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(facts.tenant_id, facts.client_id, facts.client_secret, **_azure_options(facts))


def azure_aio(facts: Facts) -> Any:
    from azure.identity.aio import ClientSecretCredential

    return ClientSecretCredential(facts.tenant_id, facts.client_id, facts.client_secret, **_azure_options(facts))


def _azure_options(facts: Facts) -> dict[str, Any]:
    return {
        "authority": facts.authority,
        "disable_instance_discovery": True,
        "connection_verify": facts.ca_file,
    }


def msal_app(facts: Facts) -> Any:
    import msal

    return msal.ConfidentialClientApplication(
        facts.client_id,
        authority=f"{facts.authority}/{facts.tenant_id}",
        client_credential=facts.client_secret,
        instance_discovery=False,
        verify=facts.ca_file,
    )


def msal_token(app: Any, facts: Facts) -> str:
    """msal returns refusals; here they are raised, as the others do."""
    answer = app.acquire_token_for_client([facts.scope])
    if "access_token" not in answer:
        raise RuntimeError(answer.get("error_description") or answer.get("error"))
    return str(answer["access_token"])


def h2o(facts: Facts, **options: Any) -> Any:
    from h2o_authn import TokenProvider

    return TokenProvider(**_h2o_options(facts), **options)


def h2o_aio(facts: Facts, **options: Any) -> Any:
    from h2o_authn import AsyncTokenProvider

    return AsyncTokenProvider(**_h2o_options(facts), **options)


def _h2o_options(facts: Facts) -> dict[str, Any]:
    return {
        "refresh_token": facts.refresh_token,
        "client_id": facts.client_id,
        "token_endpoint_url": facts.token_endpoint,
        "http_ssl_context": ssl.create_default_context(cafile=facts.ca_file),
    }


def _our_call(facts: Facts) -> Callable[[], Any]:
    return our_provider(facts).token  # type: ignore[no-any-return]


def _azure_call(facts: Facts) -> Callable[[], Any]:
    return partial(azure(facts).get_token, facts.scope)


def _msal_call(facts: Facts) -> Callable[[], Any]:
    return partial(msal_token, msal_app(facts), facts)


def _h2o_call(facts: Facts) -> Callable[[], Any]:
    return h2o(facts).token  # type: ignore[no-any-return]


# Makes a client and returns its call.
SYNC: dict[str, Callable[[Facts], Callable[[], Any]]] = {
    AZURE: _azure_call,
    MSAL: _msal_call,
    H2O: _h2o_call,
    OURS: _our_call,
}


@asynccontextmanager
async def _our_async(facts: Facts) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    async with our_provider(facts).as_async() as provider:
        yield provider.token


@asynccontextmanager
async def _azure_async(facts: Facts) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    async with azure_aio(facts) as credential:
        yield partial(credential.get_token, facts.scope)


@asynccontextmanager
async def _h2o_async(facts: Facts) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    yield h2o_aio(facts).token


# The same for one event loop; msal has no asynchronous face.
ASYNC: dict[str, Any] = {AZURE: _azure_async, H2O: _h2o_async, OURS: _our_async}
NO_ASYNC = "msal has no async"
