"""The part of `Emulator` that is about what is registered: applications, their credentials, APIs, people, keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .client_auth import certificate_of
from .registry import EXCHANGE_AUDIENCE, FederatedCredential, Resource, Secret, new_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .registry import Account, Application
    from .running import Running
    from .world import World

__all__ = ["Registering"]


class Registering:
    """Any thread may call anything."""

    if TYPE_CHECKING:

        @property
        def _live(self) -> Running: ...
        @property
        def _world(self) -> World: ...

    @property
    def application(self) -> Application:
        """The registered application: `client_id`, its secrets, certificates, federated credentials, redirect URIs."""
        return self._world.registry.application

    @property
    def client_certificate(self) -> str:
        """Path of a PEM file with the key and certificate that are registered for the application.

        Made at the first look and kept with the other keys.
        """
        path = self._live.keys.pair_file("client")
        certificate = certificate_of(path.read_bytes())
        if certificate.x5t not in {known.x5t for known in self.application.certificates}:
            self.application.certificates.append(certificate)
        return str(path)

    def register_application(
        self,
        name: str = "Another application",
        *,
        redirect_uris: Iterable[str] = ("http://localhost",),
        public: bool = False,
    ) -> Application:
        """Register an application, which every tenant of the emulator's knows.

        Args:
            name: Shown on the sign-in page.
            redirect_uris: Compared exactly, but for the port of `http://localhost`.
            public: Whether it has no credentials.

        Returns:
            It, with `client_id` and, unless public, `client_secret`.
        """
        return self._world.registry.add_application(name, redirect_uris=redirect_uris, is_public=public)

    def add_secret(self, expires_in: float | None = None, application: Application | None = None) -> str:
        """Give an application (None: the first) another secret; 0 or less: one that has expired already.

        Args:
            expires_in: Seconds on the emulator's clock; None: it lasts.
        """
        value = new_secret()
        expires_on = None if expires_in is None else self._world.clock.now() + expires_in
        # The first, so that `client_secret` stays the one that lasts.
        (application or self.application).secrets.insert(0, Secret(value, expires_on))
        return value

    def add_certificate(self, pem: str | Path | bytes, application: Application | None = None) -> None:
        """Register a certificate for an application (None: the first).

        Args:
            pem: PEM, or the path of a PEM file; a private key in it is not looked at.

        Raises:
            ValueError: It is no certificate, or not for an RSA key.
        """
        content = pem if isinstance(pem, bytes) else Path(pem).read_bytes()
        (application or self.application).certificates.append(certificate_of(content))

    def trust_subject(
        self,
        subject: str,
        issuer: str | None = None,
        audience: str = EXCHANGE_AUDIENCE,
        application: Application | None = None,
    ) -> FederatedCredential:
        """Let an application (None: the first) be whoever an outside provider says is this subject.

        Args:
            subject: Compared exactly, as are the others.
            issuer: None: the provider whose tokens `federated_token` gives.
            audience: Whom the tokens are for.
        """
        credential = FederatedCredential(issuer or self._world.provider.issuer(), subject, audience)
        (application or self.application).federated_credentials.append(credential)
        return credential

    def trust_issuer(self, issuer: str, key_set: dict[str, Any]) -> None:
        """Make the keys (a JWKS) of an outside provider known: the emulator itself fetches nothing."""
        self._world.provider.introduce(issuer, key_set)

    def federated_token(
        self,
        subject: str = "emulated-workload",
        audience: str = EXCHANGE_AUDIENCE,
        lifetime: float = 600,
        **claims: Any,
    ) -> str:
        """A token of an outside provider, to present as `client_assertion`.

        The application trusts the default subject from the start, any other once `trust_subject` has named it.

        Args:
            subject: Who it says the workload is.
            audience: Whom it is for.
            lifetime: Seconds; negative: it has expired.
            claims: Put over the usual ones; None takes one out.
        """
        return self._world.provider.token(subject, audience, lifetime, **claims)

    def register_resource(
        self,
        identifier: str,
        *,
        version: Literal[1, 2] = 2,
        roles: Iterable[str] = (),
        optional_claims: Iterable[str] = (),
        cae: bool = False,
        app_id: str | None = None,
    ) -> Resource:
        """Say what the tokens for an API look like; one that is not registered gets v1 tokens if it is `https://…`.

        Args:
            identifier: `api://…`, `https://…` or a scope of it that ends in `/.default`.
            version: Its accessTokenAcceptedVersion.
            roles: The `roles` of every application's token.
            optional_claims: `idtyp`, `xms_cc`.
            cae: Whether tokens of clients that handle challenges (CP1) live for `cae_lifetime`.
            app_id: A v2 token's `aud`; None: the id in the identifier, or else a new one.
        """
        identifier = identifier.removesuffix("/.default")
        known = self._world.registry.resource(identifier)
        if known is None:
            raise ValueError(f"{identifier!r} is no resource: api://… or https://…")
        return self._world.registry.add_resource(
            Resource(identifier, app_id or known.app_id, version, tuple(roles), tuple(optional_claims), cae)
        )

    def register_user(self, username: str, name: str | None = None, *, mfa: bool = False) -> Account:
        """Let another person sign in; `.password` is theirs, which is not enough with `mfa`."""
        return self._world.registry.add_account(username, name, mfa=mfa)

    def register_tenant(self, domain: str | None = None) -> str:
        """Add a tenant, in which every application is known too; returns its id."""
        return self._world.registry.add_tenant(domain)

    def roll_keys(self) -> str:
        """Sign with a new key from here on; tokens of the old one verify until `retire_keys()`. Returns its kid."""
        signer = self._world.issuer.signer
        return signer.roll(*self._live.keys.pair(f"signing-{signer.generation + 1}"))

    def retire_keys(self) -> None:
        """Publish the newest key only: tokens of the others verify no longer."""
        self._world.issuer.signer.retire()
