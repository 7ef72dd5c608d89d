"""Applications that sign in through msal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..authority.msal_app import MsalApps
from .application import Application

if TYPE_CHECKING:
    from ..request import TokenRequest
    from ..token import Token
    from .proof import Proof

__all__ = ["MsalApplication"]


P = TypeVar("P", bound="Proof")


class MsalApplication(Application[P]):
    """As `Application`; msal writes the request.

    Args:
        kind: What its identity begins with.
        tenant_id: Its tenant.
        client_id: The application's id.
        proof: How it proves who it is.
        options: As for `Application`.
    """

    def __init__(self, kind: str, tenant_id: str, client_id: str, proof: P, **options: Any) -> None:
        super().__init__(kind, tenant_id, client_id, proof, **options)
        self._apps = MsalApps(
            self._options, client_id=client_id, tenant_id=tenant_id, confidential=True, who=repr(self)
        )

    def _acquire(self, request: TokenRequest) -> Token:
        shown = self._proof.show(self.client_id, self._endpoint(request))
        return self._apps.token(
            request,
            lambda app: app.acquire_token_for_client(list(request.scopes), claims_challenge=request.claims),
            credential=shown.client_credential,
            secrets=shown.secrets,
        )
