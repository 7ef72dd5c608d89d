"""What credentials for CI jobs have in common: a token of the job's own, exchanged for one of Entra's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..authority.redact import Secrets
from ..errors import EntraTokensError
from .fingerprint import fingerprint
from .proof import Assertions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authority.ci_tokens import CiService
    from .proof import Shown

__all__ = ["CiProof"]


class CiProof:
    """The job's token, asked for anew at every exchange: it lives for a few minutes.

    Args:
        service: Where it is given out; or why there is none.
        access_token: What the job shows there.
        ask: Given the service and the access token, gets one.
        parts: What else tells it apart.
        pickles: Whether the other side's environment has the access token.
    """

    def __init__(
        self,
        service: CiService | EntraTokensError,
        access_token: str,
        ask: Callable[[CiService, str], str],
        *parts: str,
        pickles: bool = True,
    ) -> None:
        self._service = service
        self._access_token = Secrets((access_token,))
        self._ask = ask
        self._parts = parts
        self._assertions = Assertions()
        self.pickles = pickles

    def name(self, key: bytes | None = None) -> tuple[str, ...]:
        """The service's access token is one job's, and so is what it can become."""
        token = self._access_token[0]
        return (*self._parts, fingerprint(token) if key is None else fingerprint(token, key))

    def show(self, client_id: str, token_endpoint: str) -> Shown:  # noqa: ARG002 - the service knows
        if isinstance(self._service, EntraTokensError):
            raise self._service.copy()
        return self._assertions.show(self._ask(self._service, self._access_token[0]))

    def __repr__(self) -> str:
        return "<CI job>"
