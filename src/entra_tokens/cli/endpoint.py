"""The endpoint of `serve` and `exec --serve`, from what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..request import to_scopes
from . import talk
from .credential import credential_of, store_of
from .files import checked_ca

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..provider import TokenProvider
    from ..serving.endpoint import Endpoint
    from .settings import Settings

__all__ = ["endpoint_of"]


def endpoint_of(
    settings: Settings,
    *,
    imds: bool,
    any_scope: bool = False,
    bind: str = "127.0.0.1",
    port: int = 0,
    allow_hosts: Sequence[str] = (),
) -> Endpoint:
    """An endpoint that gives the credential's tokens, not yet open; the first tokens have been got.

    Args:
        settings: Of this run; the scopes in them are what it gives.
        imds: Whether in IMDS's form.
        any_scope: Whether it gives tokens for whatever is asked.
        bind: Where to listen.
        port: 0: any.
        allow_hosts: Names by which clients elsewhere reach it.

    Raises:
        EntraTokensError: There is no token, or nowhere to listen.
    """
    from ..provider import TokenProvider
    from ..serving.app_service import AppServiceForm
    from ..serving.endpoint import Endpoint
    from ..serving.imds import ImdsForm
    from ..serving.tokens import Tokens

    if settings.fields["ca"].is_given:
        checked_ca(settings.fields["ca"])
    credential, store = credential_of(settings), store_of()

    def provider(scope: str) -> TokenProvider:
        return TokenProvider(credential, scope, store=store, keep_fresh=True)

    scopes = () if any_scope or not settings.scope else to_scopes(settings.scope)
    for scope in scopes:
        # Better now, to a person, than later to a program. The token is shared with what the endpoint makes.
        with TokenProvider(credential, scope, store=store) as first:
            first.token()
    return Endpoint(
        ImdsForm() if imds else AppServiceForm(),
        Tokens(provider, scopes),
        bind=bind,
        port=port,
        allow_hosts=allow_hosts,
        say=lambda news: talk.error(f"{news.rstrip('.')}."),
    )
