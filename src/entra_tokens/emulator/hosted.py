"""The part of `Emulator` that is about the places code runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import environ
from .federated_file import LIFETIME
from .outside_issuer import AUDIENCE

if TYPE_CHECKING:
    from .host_switches import HostSwitches
    from .identities import Identities
    from .tools import Tools
    from .world import World

__all__ = ["Hosted"]


class Hosted:
    """Any thread may call anything."""

    if TYPE_CHECKING:

        @property
        def _world(self) -> World: ...
        @property
        def ca_file(self) -> str: ...

    @property
    def managed_identity_url(self) -> str:
        return self._world.managed_identity_url

    @property
    def identities(self) -> Identities:
        """The managed identities of the emulated resource: `system_assigned` (on or off), `user_assigned`,
        `assign()`, `unassign()`."""
        return self._world.hosting.identities

    @property
    def hosts(self) -> HostSwitches:
        """How the managed-identity hosts behave: `imds_limits`, the forms of `expires_on`, and so on."""
        return self._world.hosting.switches

    @property
    def tools(self) -> Tools:
        """How the fake commands behave: their versions."""
        return self._world.hosting.tools

    def environ(self, place: str) -> dict[str, str]:
        """Variables that make code under test believe it runs there; nothing is set by this.

        Variables of other places must not be set beside them: see `environ_absent`.

        Args:
            place: `imds`, `app_service` (Functions and Container Apps too), `app_service_2017`, `arc`,
                `service_fabric`, `cloud_shell`, `azure_ml`, `workload_identity`, `github_actions`, `azure_pipelines`,
                `azure_cli`, `azd`, `azure_powershell`, `client_secret`.

        Raises:
            ValueError: An unknown place.
            PermissionError: `arc`, and the folder that its clients take key files from cannot be written to.
        """
        return environ.environ(place, self._world, self.ca_file)

    def environ_absent(self, place: str) -> tuple[str, ...]:
        """The variables to take away for `environ(place)`: each would make a library believe in another place."""
        return environ.absent(place, self.environ(place))

    def sign_out(self, tool: str) -> None:
        """Let `az`, `azd` or `pwsh` say that nobody is signed in.

        Raises:
            ValueError: Another command.
        """
        self._world.hosting.tools.sign_out(tool)

    def sign_in(self, tool: str) -> None:
        """Undo `sign_out`."""
        self._world.hosting.tools.sign_in(tool)

    def rotate_federated_token(
        self, lifetime: float = LIFETIME, *, subject: str | None = None, audience: str = AUDIENCE
    ) -> str:
        """Put a new token into the file of `environ("workload_identity")`, as Kubernetes does; returns it.

        Args:
            lifetime: Seconds that it is valid; default 3600.
            subject: Whose it is; None: the service account that the registered application trusts.
            audience: Whom it is for.
        """
        return self._world.hosting.federated_file.rotate(lifetime, subject=subject, audience=audience)
