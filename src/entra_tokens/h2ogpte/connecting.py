"""connect() and connect_async(): the real clients, authenticated by a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import client, probe
from .address import checked_address
from .faces import to_provider
from .live import LiveToken, live_azure_token_async
from .options import checked_options, checked_scheme, refuse_netrc
from .renewal import Renewal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from h2ogpte import H2OGPTE, H2OGPTEAsync  # type: ignore[import-untyped] # it ships no py.typed

    from .faces import AnyProvider

    Scheme: TypeAlias = Literal["auto", "Bearer-Token", "Bearer-AD"]

__all__ = ["connect", "connect_async"]


def connect(
    address: str,
    provider: AnyProvider = None,
    *,
    scope: str | Iterable[str] | None = None,
    scheme: Scheme = "auto",
    **client_options: Any,
) -> H2OGPTE:
    """Return an `h2ogpte.H2OGPTE` whose tokens are renewed under it.

    May be called from any thread, in a notebook too: like the client itself it blocks. The first call imports the
    package h2ogpte, which takes seconds.

    Args:
        address: Of the server: https, or http on this machine.
        provider: A provider of either face, a credential (ours or azure-core's), or None for `Default()`.
        scope: Whom the token is for, `"api://<application id of h2oGPTe>/.default"`; None: the provider's own, else
            `ENTRA_TOKENS_SCOPE`.
        scheme: How the token is sent. `"Bearer-Token"`: as `token_provider=` does. `"Bearer-AD"`: as `azure_token=`
            does, renewed. `"auto"`: asks the server, which costs one request, or two where it refuses the first.
        **client_options: The client's own: `verify`, `strict_version_check`, `send_client_version`.

    Raises:
        ConfigurationError: An argument cannot be right, or h2ogpte is missing or too old.
        EntraTokensError: No token can be had, unchanged.
        RuntimeError: Another method of authentication was given as well; the client's own error.
        Exception: Whatever the client's constructor raises when the server refuses or cannot be reached.
    """
    address, options = checked_address(address), checked_options(client_options)
    checked_scheme(scheme)
    clients = client.load()
    client.refuse_second_method(clients.H2OGPTE, address, options)
    held = to_provider(provider, scope)
    refuse_netrc(address)
    chosen: str = scheme
    if chosen == "auto":
        chosen = probe.ask(address, held.token(), options, clients.version).scheme
    method: dict[str, Any] = {"token_provider": held}
    if chosen == probe.BEARER_AD:
        held.token()
        # Read by a client that blocks anyway: in a notebook, waiting for a renewal is better than to fail.
        method = {"azure_token": LiveToken(held, always_waits=True)}
    from ._sync_client import RenewingH2OGPTE

    return RenewingH2OGPTE(Renewal(held, chosen), address=address, **method, **options)


async def connect_async(
    address: str,
    provider: AnyProvider = None,
    *,
    scope: str | Iterable[str] | None = None,
    scheme: Scheme = "auto",
    **client_options: Any,
) -> H2OGPTEAsync:
    """As `connect`, for `h2ogpte.H2OGPTEAsync`; for asyncio, which is what that client runs on.

    Its constructor asks the server nothing, so that with a scheme given a server that refuses shows at the first call.
    `"auto"` has asked: where the server did not accept, the client's own `get_meta()` says why.
    """
    address, options = checked_address(address), checked_options(client_options)
    checked_scheme(scheme)
    clients = await client.load_off_the_loop()
    client.refuse_second_method(clients.H2OGPTEAsync, address, options)
    held = to_provider(provider, scope)
    refuse_netrc(address)
    answer = probe.Answer(scheme, certain=True)
    if scheme == "auto":
        answer = await probe.ask_async(address, await held.as_async().token(), options, clients.version)
    method: dict[str, Any] = {"token_provider": held.as_async()}
    if answer.scheme == probe.BEARER_AD:
        method = {"azure_token": await live_azure_token_async(held)}
    from ._async_client import RenewingH2OGPTEAsync

    made = RenewingH2OGPTEAsync(Renewal(held, answer.scheme), address=address, **method, **options)
    if not answer.certain:
        await made.get_meta()
    return made
