"""What is registered and can be changed while the emulator runs: tenants, applications, APIs and accounts."""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .directory import User

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    from .directory import Directory

__all__ = ["EXCHANGE_AUDIENCE", "GRAPH", "Account", "Application", "Certificate", "FederatedCredential", "Registry"]
__all__ += ["Resource", "Secret"]

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"  # the public cloud's; others have a suffix
GRAPH = "https://graph.microsoft.com"
_GRAPH_ID = "00000003-0000-0000-c000-000000000000"
_GUID = re.compile(r"(?:api://)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?", re.IGNORECASE)
_DERIVED_LIMIT = 10_000


def _guid() -> str:
    return str(uuid.uuid4())


def new_secret() -> str:
    return "emu8Q~" + secrets.token_urlsafe(26)


@dataclass(frozen=True)
class Secret:
    """A client secret; `expires_on` is in epoch seconds on the emulator's clock, None: never."""

    value: str = field(repr=False)
    expires_on: float | None = None


@dataclass(frozen=True)
class Certificate:
    """A registered certificate: its public key and both names that an assertion may know it by (base64url)."""

    x5t: str
    x5t_s256: str
    key: rsa.RSAPublicKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)


@dataclass(frozen=True)
class FederatedCredential:
    """Whose tokens stand for the application. Compared exactly, case included."""

    issuer: str
    subject: str
    audience: str = EXCHANGE_AUDIENCE


@dataclass
class Application:
    """An application, known in every tenant of the emulator's; its lists can be changed at any time.

    `redirect_uris` are compared exactly, but a port of `http://localhost` counts for nothing. A public application
    has no credentials, and one that it sends is refused.
    """

    name: str
    client_id: str = field(default_factory=_guid)
    object_id: str = field(default_factory=_guid)
    secrets: list[Secret] = field(default_factory=list, repr=False)
    certificates: list[Certificate] = field(default_factory=list, repr=False)
    federated_credentials: list[FederatedCredential] = field(default_factory=list)
    redirect_uris: list[str] = field(default_factory=lambda: ["http://localhost"])
    is_public: bool = False

    @property
    def client_secret(self) -> str:
        """The newest secret's value.

        Raises:
            LookupError: It has none.
        """
        if not self.secrets:
            raise LookupError(f"{self.name} has no secret")
        return self.secrets[-1].value


@dataclass(frozen=True)
class Resource:
    """An API. `version` is its accessTokenAcceptedVersion: it, and not the endpoint asked, decides on the token's form.

    `roles` are granted to every application; `optional_claims` may name `idtyp` and `xms_cc`. `cae`: with a client
    that says it can handle challenges (CP1) its tokens live for a day.
    """

    identifier: str
    app_id: str
    version: Literal[1, 2] = 2
    roles: tuple[str, ...] = ()
    optional_claims: tuple[str, ...] = ()
    cae: bool = False


@dataclass(frozen=True)
class Account:
    """A person who can sign in. With `mfa` a password alone is not enough."""

    user: User
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    mfa: bool = False


class Registry:
    """Any thread may call anything.

    It begins with the directory's tenant, application, user and API. Every other resource that is well formed is known
    too: Microsoft's shape (`https://…`) with v1 tokens, `api://…` and a bare id with v2 tokens.
    """

    def __init__(self, directory: Directory) -> None:
        self._lock = threading.Lock()
        self.home: str = directory.tenant_id
        self.application: Application = Application(
            directory.application,
            directory.client_id,
            directory.application_object_id,
            [Secret(directory.client_secret)],
        )
        self.account: Account = Account(directory.user)
        domain = directory.user.username.rpartition("@")[2]
        self._tenants = {directory.tenant_id: directory.tenant_id, domain: directory.tenant_id}
        self._applications = {directory.client_id: self.application}
        self._accounts = {directory.user.username: self.account}
        api = f"api://{directory.h2ogpte_id}"
        self._resources = {directory.h2ogpte_id: Resource(api, directory.h2ogpte_id)}
        graph = Resource(GRAPH, _GRAPH_ID, version=1, cae=True)
        self._resources.update({GRAPH: graph, _GRAPH_ID: graph})
        self._derived: dict[str, Resource] = {}

    def tenant(self, name: str) -> str | None:
        """The id of the tenant with this id or domain."""
        return self._tenants.get(name) or self._tenants.get(name.lower())

    def application_of(self, client_id: str) -> Application | None:
        return self._applications.get(client_id) or self._applications.get(client_id.lower())

    def account_of(self, username: str) -> Account | None:
        return self._accounts.get(username.lower())

    @property
    def accounts(self) -> list[Account]:
        with self._lock:
            return list(self._accounts.values())

    def add_tenant(self, domain: str | None = None) -> str:
        tenant_id = _guid()
        with self._lock:
            self._tenants = {**self._tenants, tenant_id: tenant_id, **({domain.lower(): tenant_id} if domain else {})}
        return tenant_id

    def add_application(
        self, name: str, *, redirect_uris: Iterable[str] = ("http://localhost",), is_public: bool = False
    ) -> Application:
        made = Application(name, redirect_uris=list(redirect_uris), is_public=is_public)
        if not is_public:
            made.secrets.append(Secret(new_secret()))
        with self._lock:
            self._applications = {**self._applications, made.client_id: made}
        return made

    def add_account(self, username: str, name: str | None = None, *, mfa: bool = False) -> Account:
        account = Account(User(username=username, name=name or username.partition("@")[0].title()), mfa=mfa)
        with self._lock:
            self._accounts = {**self._accounts, username.lower(): account}
        return account

    def add_resource(self, resource: Resource) -> Resource:
        """Register an API, or change one, under its identifier and its id."""
        with self._lock:
            names = {_plain(resource.identifier): resource, resource.app_id.lower(): resource}
            self._resources = {**self._resources, **names}
        return resource

    def resource(self, identifier: str) -> Resource | None:
        """The API of this name as it stands in a scope; None: no such thing can be."""
        plain = _plain(identifier)
        known = self._resources.get(plain) or self._derived.get(plain)
        if known is not None:
            return known
        made = self._derive(identifier, plain)
        if made is not None:
            with self._lock:
                if len(self._derived) >= _DERIVED_LIMIT:
                    self._derived.clear()
                self._derived[plain] = made
        return made

    def _derive(self, identifier: str, plain: str) -> Resource | None:
        if match := _GUID.fullmatch(identifier):
            app_id = match[1].lower()
            return self._resources.get(app_id) or Resource(f"api://{app_id}", app_id)
        scheme, found, rest = plain.partition("://")
        if not found or not rest or any(character.isspace() for character in rest):
            return None
        if scheme == "https":
            return Resource(identifier, identifier, version=1)
        # Its id is not known here, so that the name stands for itself.
        return Resource(identifier, identifier) if scheme == "api" else None


def _plain(identifier: str) -> str:
    return identifier.rstrip("/").lower()
