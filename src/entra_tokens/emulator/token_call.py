"""A request of the token endpoint, taken apart: its fields, its tenant and its client."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from .asked_claims import AskedClaims, asked_claims
from .client_auth import authenticated
from .refusals import refusal_for
from .scopes import Asked, app_resource, user_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .registry import Application
    from .world import World

__all__ = ["ALIASES", "TokenCall", "checked_client", "checked_tenant", "form_of", "needed"]

# Names that stand for "the person's own tenant".
ALIASES = frozenset({"common", "organizations", "consumers"})
_FORM = "application/x-www-form-urlencoded"
_NO_ID = "00000000-0000-0000-0000-000000000000"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def form_of(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The form's fields. The service reads no JSON: to it every field is missing then."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise refusal_for(900144, parameter=name, expected=f"{name} in a body of the type {_FORM}")
    return value


def checked_tenant(world: World, name: str) -> str | None:
    """The tenant's id; None for the names that stand for the person's own.

    Raises:
        Refusal: There is no such tenant.
    """
    if name in ALIASES:
        return None
    tenant_id = world.registry.tenant(name)
    if tenant_id is None:
        code = 90002 if "." in name or _GUID.fullmatch(name) else 900023
        raise refusal_for(code, tenant=name, expected=f"a tenant such as {world.registry.home}")
    return tenant_id


def checked_client(world: World, client_id: str, tenant: str) -> Application:
    """The application with this id.

    Raises:
        Refusal: There is none.
    """
    application = world.registry.application_of(client_id)
    if application is None:
        if client_id == _NO_ID:
            raise refusal_for(700038, client_id=client_id)
        expected = f"client_id: one that is registered, such as {world.registry.application.client_id}"
        raise refusal_for(700016, client_id=client_id, tenant=tenant, expected=expected)
    return application


@dataclass
class TokenCall:
    """One token request.

    Args:
        tenant: As it stands in the path.
        version: 1 for `/oauth2/token`, 2 for `/oauth2/v2.0/token`.
        authorization: The header, for HTTP Basic.
        expired: Whether a switch wants a token that has run out.
        sign: Makes an application's token out of its claims; None: the signer.
    """

    world: World
    form: dict[str, str]
    tenant: str
    version: int
    authorization: str = ""
    expired: bool = False
    sign: Callable[[dict[str, Any]], str] | None = None

    @cached_property
    def tenant_id(self) -> str | None:
        return checked_tenant(self.world, self.tenant)

    @cached_property
    def grant(self) -> str:
        return needed(self.form, "grant_type")

    @cached_property
    def application(self) -> Application:
        client_id = self.form.get("client_id") or self._basic[0]
        if not client_id:
            raise refusal_for(900144, parameter="client_id")
        return checked_client(self.world, client_id, self.tenant)

    @cached_property
    def claims(self) -> AskedClaims:
        return asked_claims(self.form.get("claims"))

    def credential(self, *, needed: bool) -> str:
        """See `authenticated`."""
        return authenticated(self.world, self.application, self.form, self._basic[1], self.tenant, needed=needed)

    def app_resource(self) -> str:
        """The resource of an app-only request."""
        resource = needed(self.form, "resource") if self.version == 1 else app_resource(self._scope())
        return self._known(resource)

    def user_scopes(self, otherwise: str | None = None) -> Asked:
        """What a person's request asks for.

        Args:
            otherwise: The scopes of the grant, where the request names none.
        """
        if self.version == 1 and (resource := self.form.get("resource")):
            asked = Asked(resource, "user_impersonation", frozenset({"openid", "offline_access"}))
        else:
            self._refuse_resource()
            asked = user_scopes(self.form.get("scope") or otherwise or needed(self.form, "scope"))
        self._known(asked.resource)
        return asked

    def _scope(self) -> str:
        self._refuse_resource()
        return needed(self.form, "scope")

    def _refuse_resource(self) -> None:
        if self.version == 2 and "resource" in self.form:
            raise refusal_for(901002, expected="scope: '{resource}/.default' (resource is of the v1 endpoint)")

    def _known(self, resource: str) -> str:
        if self.world.registry.resource(resource) is None:
            expected = "a resource such as api://{id}, {id} or https://{host}"
            raise refusal_for(500011, resource=resource, tenant=self.tenant, expected=expected)
        return resource

    @cached_property
    def _basic(self) -> tuple[str, str]:
        """Client id and secret from HTTP Basic; both parts are form-encoded (RFC 6749 §2.3.1)."""
        scheme, _, value = self.authorization.partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return unquote_plus(name), unquote_plus(secret)
