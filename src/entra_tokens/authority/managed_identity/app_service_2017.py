"""Azure Machine Learning, and App Service where it has nothing newer than 2017-09-01 (Linux Consumption plans).

The two set the same variables and speak the same protocol, so that azure-identity and msal take both for Azure ML. All
that is different here is the name in messages, and whose token comes back on a compute cluster where nobody is named.

https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import environment
from ...record import Record
from ..redact import Secrets
from .exchange import Limits
from .host import asked

if TYPE_CHECKING:
    from ...token import Token
    from .selector import Selector

__all__ = ["AppService2017"]

_CONNECT = 2.0
_NAMES = {"client_id": "clientid"}


class AppService2017(Record):
    """The endpoint of `MSI_ENDPOINT`, opened by `MSI_SECRET`.

    Args:
        endpoint: Its address.
        secret: Shows that the request comes from inside.
        name: Which of the two it is.
        default: The client id of the identity that is meant where none is named; "": the system-assigned one.
    """

    endpoint: str
    secret: str
    name: str
    default: str

    _hidden = ("secret",)

    def __init__(self, endpoint: str, secret: str, name: str = "Azure Machine Learning", default: str = "") -> None:
        self._set(endpoint=endpoint, secret=secret, name=name, default=default)

    @classmethod
    def from_environment(cls, endpoint: str, secret: str) -> AppService2017:
        """Tell the two apart: every App Service and Functions plan sets `WEBSITE_SITE_NAME`.

        Azure ML sets `DEFAULT_IDENTITY_CLIENT_ID` to the identity that was assigned to the compute.
        """
        if environment.read("WEBSITE_SITE_NAME"):
            return cls(endpoint, secret, "App Service (2017-09-01)")
        return cls(endpoint, secret, default=environment.read("DEFAULT_IDENTITY_CLIENT_ID"))

    @property
    def key(self) -> tuple[str, ...]:
        """Its address and whom it means by nobody."""
        return ("app_service_2017", self.endpoint, self.default)

    def check(self, selector: Selector) -> None:
        """It knows client ids, and ignores what else it is given: the system-assigned identity would answer."""
        selector.named(self.name, _NAMES)

    def token(self, scopes: tuple[str, ...], resource: str, selector: Selector, *, timeout: float, who: str) -> Token:
        """Get a new token."""
        named = selector.named(self.name, _NAMES) or ({"clientid": self.default} if self.default else {})
        query = {"api-version": "2017-09-01", "resource": resource, **named}
        headers = {"secret": self.secret}
        limits = Limits(_CONNECT, timeout)
        return asked(self.endpoint, query, headers, scopes, limits, who=who, secrets=Secrets((self.secret,)))
