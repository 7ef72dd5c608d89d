"""The part of `Emulator` that is about sign-ins, and about how Entra treats them and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asked_claims import challenge
from .refresh_tokens import Grant

if TYPE_CHECKING:
    from .registry import Account
    from .running import Running
    from .world import World

__all__ = ["SigningIn"]


class SigningIn:
    """Any thread may call anything."""

    if TYPE_CHECKING:

        @property
        def _live(self) -> Running: ...
        @property
        def _world(self) -> World: ...

    @property
    def pending_codes(self) -> list[str]:
        """The user codes that wait for an answer."""
        return self._world.device_codes.pending()

    def approve(self, user_code: str, username: str | None = None) -> None:
        """Sign a user in (None: the first) on the device that shows this code.

        Raises:
            LookupError: No such code waits, or there is no such user.
        """
        self._world.device_codes.answer(user_code, approve=True, account=self._account(username))

    def decline(self, user_code: str) -> None:
        """As `approve`, with the other answer."""
        self._world.device_codes.answer(user_code, approve=False)

    def refresh_token(self, scope: str | None = None, username: str | None = None) -> str:
        """A refresh token for the application, as a sign-in leaves one: what h2o-authn begins with.

        Args:
            scope: What was asked for at the sign-in; None: the h2oGPTe front's.
            username: Whose it is; None: the first user's.

        Raises:
            LookupError: There is no such user.
        """
        world = self._world
        asked = f"{scope or world.directory.h2ogpte_scope} offline_access"
        account = self._account(username) or world.registry.account
        grant = Grant(world.directory.client_id, account, asked, signed_in_on=world.clock.now())
        return world.refresh_tokens.issue(grant)

    def authorize(self, url: str, username: str | None = None, *, decline: bool = False) -> dict[str, str]:
        """Answer a sign-in as a person on its page would; returns what goes to the application's redirect URI.

        Args:
            url: The authorize endpoint's, with its query.
            username: Who signs in; None: the first.
            decline: Whether the person cancels.

        Raises:
            LookupError: There is no such user.
            ValueError: The request is not good; the message is what its page would say.
        """
        return self._live.sign_ins.answered(url, self._account(username), decline=decline)[1]

    def browse(self, url: str, username: str | None = None, *, decline: bool = False) -> bool:
        """As `authorize`, and deliver the answer to the redirect URI, as a browser would: from a thread, because the
        application may be waiting for this call to return. Stands in for `webbrowser.open`; always True."""
        self._live.sign_ins.deliver(url, self._account(username), decline=decline)
        return True

    def revoke_refresh_tokens(self, error: int = 50173) -> None:
        """Answer every refresh token given out so far with this AADSTS number."""
        self._world.refresh_tokens.refuse_all(error)

    def revoke_sessions(self) -> str:
        """Sign everybody out: refresh tokens are refused (50173) and browsers forget.

        Returns:
            The `WWW-Authenticate` value with which a resource that evaluates access continuously refuses tokens from
            before.
        """
        self._world.refresh_tokens.refuse_all(50173)
        self._world.browsers.forget()
        return self.challenge()

    def challenge(self, claims: dict[str, Any] | None = None, *, acrs: str | None = None) -> str:
        """The `WWW-Authenticate` value with which a resource asks for another token.

        Args:
            claims: What the token must have; None: what the other arguments say.
            acrs: An authentication context, such as `c1`; None: that the token is from after this moment.
        """
        if claims is None and acrs is not None:
            claims = {"access_token": {"acrs": {"essential": True, "value": acrs}}}
        elif claims is None:
            claims = {"access_token": {"nbf": {"essential": True, "value": str(int(self._world.clock.now()))}}}
        return challenge(self._world.authority, claims)

    @property
    def slow_down(self) -> bool:
        """Whether device-code polls faster than the interval are refused; can be set."""
        return self._world.device_codes.slow_down

    @slow_down.setter
    def slow_down(self, on: bool) -> None:
        self._world.device_codes.slow_down = on

    @property
    def strict_rotation(self) -> bool:
        """Whether a refresh token is good once only, and its second use ends its family; can be set. Entra's
        are not."""
        return self._world.refresh_tokens.strict

    @strict_rotation.setter
    def strict_rotation(self, on: bool) -> None:
        self._world.refresh_tokens.strict = on

    @property
    def sign_in_frequency(self) -> float | None:
        """Seconds after a sign-in in which its refresh tokens are good (then 70043); None: any. Can be set."""
        return self._world.refresh_tokens.sign_in_frequency

    @sign_in_frequency.setter
    def sign_in_frequency(self, seconds: float | None) -> None:
        self._world.refresh_tokens.sign_in_frequency = seconds

    @property
    def lifetime(self) -> float:
        """Seconds that an access token lives; can be set, for the next ones."""
        return self._world.issuer.lifetime

    @lifetime.setter
    def lifetime(self, seconds: float) -> None:
        self._world.issuer.lifetime = seconds

    @property
    def cae_lifetime(self) -> float:
        """Seconds that a token lives whose resource and client both handle continuous access evaluation; can be set."""
        return self._world.issuer.cae_lifetime

    @cae_lifetime.setter
    def cae_lifetime(self, seconds: float) -> None:
        self._world.issuer.cae_lifetime = seconds

    @property
    def refresh_in(self) -> float | None:
        """Seconds that token replies name for renewal; can be set."""
        return self._world.issuer.refresh_in

    @refresh_in.setter
    def refresh_in(self, seconds: float | None) -> None:
        self._world.issuer.refresh_in = seconds

    def _account(self, username: str | None) -> Account:
        account = self._world.registry.account if username is None else self._world.registry.account_of(username)
        if account is None:
            raise LookupError(f"there is no user {username!r}")
        return account
