"""WorkloadIdentity: a pod, or anything else, that keeps a token of a trusted provider in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..authority.federated import FederatedExchange
from ..authority.options import AuthorityOptions
from ..authority.token_proxy import TokenProxy
from ..environment import read
from ..errors import ConfigurationError, CredentialUnavailable
from .application import Application
from .proof import checked_assertion
from .value import Value

if TYPE_CHECKING:
    from ..authority.verify import Verify
    from ..request import TokenRequest
    from ..token import Token

__all__ = ["WorkloadIdentity"]

_LARGEST = 1 << 16  # bytes; a service account's token has about a thousand


class WorkloadIdentity(Value):
    """Signs an application or a user-assigned identity in with the token in a file (AKS workload identity).

    The file is read at every exchange, since its token lives an hour and Entra's a day. Where AKS names the token proxy
    of an identity binding (`AZURE_KUBERNETES_TOKEN_PROXY`), that is asked in the authority's place. Any number of
    threads may acquire at once. Pickles with the names of its file, tenant, application and token proxy, which must
    hold on the other side too.

    Args:
        tenant_id: The tenant's id or one of its domains. Default: `AZURE_TENANT_ID`.
        client_id: The application's or identity's (client) id. Default: `AZURE_CLIENT_ID`.
        token_file: The file's path. Default: `AZURE_FEDERATED_TOKEN_FILE`.
        authority: `https://` host of the token service. Default: `AZURE_AUTHORITY_HOST`, else the public cloud.
        verify: Whom to trust: True (`SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`, else the system), False, a CA file, or
            an `ssl.SSLContext`.
        proxy: The proxy's URL. Default: `HTTPS_PROXY` unless `NO_PROXY` names the host; `""`: none. The token proxy of
            AKS is in the cluster, and asked straight.
        timeout: Seconds for a whole request. Default 10.

    Raises:
        ConfigurationError: A value cannot be right, or the variables of the token proxy do not fit each other. What is
            missing is said when a token is wanted, so that a chain goes on.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        client_id: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        authority: str | None = None,
        verify: Verify = True,
        proxy: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        given = {"tenant_id": tenant_id, "client_id": client_id, "token_file": token_file}
        values = {name: read(_DEFAULTS[name]) if value is None else value for name, value in given.items()}
        self._missing = tuple(name for name, value in values.items() if given[name] is None and not value)
        self.tenant_id: str | None = tenant_id if tenant_id is not None else read("AZURE_TENANT_ID") or None
        self.client_id: str | None = client_id if client_id is not None else read("AZURE_CLIENT_ID") or None
        self._inner: _Exchange | None = None
        if self._missing:
            AuthorityOptions.settled(authority, verify, proxy, timeout)  # what was given can be wrong all the same
            return
        self._inner = _Exchange(
            str(values["tenant_id"]),
            str(values["client_id"]),
            values["token_file"],
            authority=authority,
            verify=verify,
            proxy=proxy,
            timeout=timeout,
            token_proxy=TokenProxy.from_environment(),
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """Authority, tenant, application, the file's path, and who was trusted on the way."""
        return ("workload_identity", *self._missing) if self._inner is None else self._inner.identity

    def identity_under(self, key: bytes) -> tuple[str, ...] | None:
        """The same with digests that are keyed with a store's key; None: no other process can mean the same."""
        return self.identity if self._inner is None else self._inner.identity_under(key)

    @property
    def authority(self) -> str | None:
        """`https://host[:port]` of the token service; None: something is missing."""
        return None if self._inner is None else self._inner.authority

    def acquire(self, request: TokenRequest) -> Token:
        """Get a new token.

        Raises:
            CredentialUnavailable: A tenant, a client id or a file is neither given nor in the environment.
            ConfigurationError: The file cannot be read or holds no token.
            InvalidCredential: The authority does not take the token, or does not know the application.
            AuthenticationFailed: It refused for another reason.
            AuthorityUnavailable: No usable answer came.
        """
        if self._inner is not None:
            return self._inner.acquire(request)
        names = ", ".join(f"{_DEFAULTS[name]} ({name}=)" for name in self._missing)
        raise CredentialUnavailable(
            f"WorkloadIdentity: not set: {names}. On AKS, label the pod for workload identity.",
            anchor="workload-identity",
        )

    def __repr__(self) -> str:
        return "WorkloadIdentity(unset)" if self._inner is None else repr(self._inner)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), None if self._inner is None else self._inner.arguments())


_DEFAULTS = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "token_file": "AZURE_FEDERATED_TOKEN_FILE",
}


class TokenFile:
    """The file's token as a proof.

    Args:
        path: The file.
    """

    pickles = True

    def __init__(self, path: object) -> None:
        found = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
        if not isinstance(found, str) or not found.strip() or "\0" in found:
            raise ConfigurationError("token_file must be the path of a file (AZURE_FEDERATED_TOKEN_FILE).")
        self.path = found

    def read(self) -> str:
        """The token that is in the file at this moment.

        Raises:
            ConfigurationError: There is none.
        """
        try:
            with open(self.path, "rb") as file:
                content = file.read(_LARGEST + 1)
        except OSError as error:
            why = f"cannot be read ({error.strerror or type(error).__name__})"
        else:
            if content.strip() and len(content) <= _LARGEST and content.isascii():
                return checked_assertion(content.decode("ascii"))
            why = "holds no token"
        raise ConfigurationError(
            f"The federated token file {self.path!r} {why}. Check token_file=, AZURE_FEDERATED_TOKEN_FILE and the "
            "pod's volume."
        )

    def name(self, key: bytes | None = None) -> tuple[str, ...]:  # noqa: ARG002 - there is no secret in it
        """The file's path."""
        return ("file", self.path)


class _Exchange(Application[TokenFile]):
    def __init__(self, tenant_id: str, client_id: str, token_file: object, **options: Any) -> None:
        super().__init__("workload_identity", tenant_id, client_id, TokenFile(token_file), **options)
        self._exchange = FederatedExchange(self._options, client_id=client_id, who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        return self._exchange.token(request, self._endpoint(request), self._proof.read())

    def __repr__(self) -> str:
        return (
            f"WorkloadIdentity(tenant_id={self.tenant_id!r}, client_id={self.client_id!r}, "
            f"token_file={self._proof.path!r})"
        )

    def arguments(self) -> dict[str, Any]:
        """What it takes to be the same elsewhere, whatever the environment says there."""
        named = {"tenant_id": self.tenant_id, "client_id": self.client_id, "token_file": self._proof.path}
        return {**named, **self._keywords(), "token_proxy": self._options.token_proxy}


def _rebuilt(kind: type[WorkloadIdentity], arguments: dict[str, Any] | None) -> WorkloadIdentity:
    if arguments is None:
        return kind()
    made = kind.__new__(kind)
    made._inner, made._missing = _Exchange(**arguments), ()  # noqa: SLF001 - of this module
    made.tenant_id, made.client_id = arguments["tenant_id"], arguments["client_id"]
    return made
