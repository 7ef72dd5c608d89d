"""AzureIdentity: any credential that speaks azure-core's protocol."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from ..acquiring import current
from ..authority.guard import guarded
from ..authority.quiet import quiet_libraries
from ..errors import AuthorityUnavailable, ConfigurationError, EntraTokensError, InteractionRequired
from ..token import Token
from .azure_errors import translated
from .fingerprint import object_key
from .value import Value, refuse_pickling

if TYPE_CHECKING:
    from ..request import TokenRequest

__all__ = ["AzureIdentity"]

_PROMPTING = ("InteractiveCredential", "DeviceCodeCredential", "InteractiveBrowserCredential")


class AzureIdentity(Value):
    """Gets tokens from an azure-core `TokenCredential`: one of azure-identity's, or anything with its `get_token`.

    Called on a worker thread, one call at a time for each scope. Its errors become ours. Does not pickle.

    Args:
        credential: The object; asked through `get_token_info` where it has that, else `get_token`. It is held, and two
            objects never share a token.

    Raises:
        ConfigurationError: It has no `get_token`, or is one of the asynchronous credentials.
    """

    def __init__(self, credential: Any) -> None:
        ask = getattr(credential, "get_token", None)
        info = getattr(credential, "get_token_info", None)
        if isinstance(credential, type):
            raise ConfigurationError(f"{credential.__name__} is a class: pass an instance, {credential.__name__}(...).")
        if not callable(ask) and not callable(info):
            raise ConfigurationError(
                f"A {type(credential).__name__} has no get_token(): it is not a credential of azure-core's kind."
            )
        if any(_asynchronous(method) for method in (ask, info)):
            raise ConfigurationError(
                f"{type(credential).__name__} is an asynchronous credential. Pass its twin from azure.identity, "
                "without .aio; provider.as_async() gives the asynchronous face, and no event loop is blocked."
            )
        self._credential = credential
        self._name = type(credential).__name__
        self._key = object_key(credential)
        tenant = getattr(credential, "tenant_id", None) or getattr(credential, "_tenant_id", None)
        self.tenant_id: str = tenant if isinstance(tenant, str) else ""

    @property
    def identity(self) -> tuple[str, ...]:
        """The object itself."""
        return ("azure_identity", self._key)

    def identity_under(self, key: bytes) -> None:  # noqa: ARG002 - whatever the key
        """None: no other process has this object."""
        return

    @property
    def interactive(self) -> bool:
        """Whether the object may prompt: azure-identity's device code and browser credentials do unless told not to."""
        return _may_prompt(self._credential)

    def acquire(self, request: TokenRequest) -> Token:
        """Get a token from the object.

        Raises:
            InteractionRequired: It may prompt, and this is background renewal.
            CredentialUnavailable: It says that it does not apply here.
            AuthenticationFailed: Its authority refused.
            AuthorityUnavailable: It got no usable answer.
        """
        return guarded(lambda: self._acquire(request), who=repr(self))

    def _acquire(self, request: TokenRequest) -> Token:
        if self.interactive and not current().may_prompt:
            # It may have a token without asking, but there is no way to ask it for that alone.
            raise InteractionRequired(
                f"{self!r} may prompt, which background renewal never does. DeviceCode and InteractiveBrowser of "
                "entra_tokens renew without a prompt; or make the object with disable_automatic_authentication=True.",
                anchor="other-credentials",
            )
        failure: EntraTokensError
        try:
            with quiet_libraries():
                answer = self._ask(request)
        except EntraTokensError:
            raise
        except Exception as error:
            failure = translated(error, who=repr(self))
        else:
            return self._token(answer, request)
        raise failure

    def _ask(self, request: TokenRequest) -> Any:
        options: dict[str, Any] = {}
        if request.claims is not None:
            options["claims"] = request.claims
        if request.tenant_id is not None:
            options["tenant_id"] = request.tenant_id
        if request.enable_cae:
            options["enable_cae"] = True
        info = getattr(self._credential, "get_token_info", None)
        if callable(info):
            return info(*request.scopes, options=options)
        return self._credential.get_token(*request.scopes, **options)

    def _token(self, answer: Any, request: TokenRequest) -> Token:
        if inspect.iscoroutine(answer):
            answer.close()
            answer = None
        try:
            refresh_on = getattr(answer, "refresh_on", None)
            expires_on = float(answer.expires_on)
            if refresh_on is not None and not float(refresh_on) < expires_on:
                refresh_on = None
            return Token(answer.token, expires_on=expires_on, refresh_on=refresh_on, scopes=request.scopes)
        except (AttributeError, TypeError, ValueError):
            pass
        raise AuthorityUnavailable(
            f"{self!r} returned no usable token: azure-core's protocol wants .token (one line of printable ASCII) and "
            ".expires_on (epoch seconds).",
            anchor="other-credentials",
        )

    def __repr__(self) -> str:
        return f"AzureIdentity({self._name})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise refuse_pickling("AzureIdentity")


def _may_prompt(credential: Any, depth: int = 0) -> bool:
    """Of a chain (azure-identity's keep their members in `credentials`) any member may."""
    names = {kind.__name__ for kind in type(credential).__mro__}
    if not names.isdisjoint(_PROMPTING):
        return not getattr(credential, "_disable_automatic_authentication", False)
    members = getattr(credential, "credentials", ())
    return depth < 3 and isinstance(members, (tuple, list)) and any(_may_prompt(one, depth + 1) for one in members)


def _asynchronous(method: Any) -> bool:
    return inspect.iscoroutinefunction(method) or inspect.iscoroutinefunction(getattr(method, "__call__", None))  # noqa: B004 - the method of a callable object
