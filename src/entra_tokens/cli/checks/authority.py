"""The token service: whether it answers, whether it knows the tenant, and how far its clock is from ours."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from ...engine.clock import SYSTEM_CLOCK
from ...errors import EntraTokensError
from ..exits import MISCONFIGURED, ending
from .finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...authority.http import Answer
    from ..settings import Settings

__all__ = ["GROUP", "clock_finding", "look_at_authority"]

GROUP = "Token service"
# Assertions that we sign are refused, and tokens look expired or not yet valid, from a few minutes on; resources
# commonly allow five (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-tokens).
_TOLERABLE, _BROKEN = 10.0, 300.0
_SYNC = "timedatectl set-ntp true"


class Span(NamedTuple):
    """Our clock before the request was sent and after the answer came, epoch seconds."""

    before: float
    after: float


def look_at_authority(settings: Settings, seconds: float) -> Sequence[Finding]:
    """Read the tenant's discovery document.

    Args:
        settings: Of this run.
        seconds: How long it may take.
    """
    from ...authority.cloud import normalised_authority
    from ...authority.http import AuthorityHttp
    from ...authority.proxy import resolved_proxy
    from ...authority.verify import resolved_verify
    from ...request import checked_tenant_id

    try:
        authority = normalised_authority(settings.authority)
        tenant = checked_tenant_id(settings.tenant or "organizations")
        verify = resolved_verify(settings.ca or True)
        http = AuthorityHttp(
            authority, verify=verify, proxy=resolved_proxy(None, authority), timeout=seconds, who="The token service"
        )
        with http.session():
            before = SYSTEM_CLOCK.wall()
            answer = http.get(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
            span = Span(before, SYSTEM_CLOCK.wall())
            seen = http.seen
    except EntraTokensError as error:
        return [Finding("reachable", "fail", error.message, status=ending(error)[0])]
    findings = [_tenant(authority, tenant, answer, seen.body if seen else {})]
    clock = clock_finding(answer.headers.get("date"), span)
    return [*findings, clock] if clock else findings


def _tenant(authority: str, tenant: str, answer: Answer, body: Mapping[str, object]) -> Finding:
    if answer.status_code < 300:
        return Finding("reachable", "ok", f"{authority} answers and knows the tenant {tenant}")
    said = str(body.get("error_description") or body.get("error") or f"HTTP {answer.status_code}")
    from ...authority.redact import redact

    what = f"{authority} answers, and does not know the tenant {tenant}: {redact(said)[:300]}"
    return Finding("reachable", "fail", what, "correct --tenant (AZURE_TENANT_ID)", status=MISCONFIGURED)


def clock_finding(date: str | None, span: Span) -> Finding | None:
    """How far apart the clocks are; None: the answer did not say.

    Args:
        date: The answer's `Date`, in whole seconds (RFC 9110 §6.6.1).
        span: When it was on its way.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    # The answer was written somewhere between, and its second began up to one second before.
    least, most = theirs - span.after, theirs + 1.0 - span.before
    offset = 0.0 if least <= 0 <= most else least if least > 0 else most
    if abs(offset) < _TOLERABLE:
        return Finding("clock", "ok", "this machine's clock agrees with it")
    what = f"this machine's clock is {abs(offset):.0f} seconds {'slow' if offset > 0 else 'fast'}"
    if abs(offset) < _BROKEN:
        return Finding("clock", "warn", f"{what}; tokens seem to live longer or shorter than they do", _SYNC)
    return Finding("clock", "fail", f"{what}: tokens and certificates are refused", _SYNC, status=MISCONFIGURED)
