"""Takes secrets out of text that somebody else wrote."""

from __future__ import annotations

import re

from .urls import escaped

__all__ = ["HIDDEN", "Secrets", "redact"]

HIDDEN = "<hidden>"

_JWT = r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*"
# Refresh tokens, codes and assertions of other makers: long unbroken runs that no sentence holds.
_OPAQUE = r"[A-Za-z0-9+/=_.~-]{80,}"
_FIELD = (
    r"(?i)(client_secret|client_assertion|assertion|access_token|accesstoken|refresh_token|id_token|device_code"
    r"|password|secret|code)([\"']?\s*[=:]\s*[\"']?)([^\s&\"',;}]+)"
)
_QUOTED = r"(?i)([\"']token[\"']\s*:\s*[\"'])([^\"']+)"  # azd's and PowerShell's; prose has it without quotes
_SHORTEST = 4  # a shorter "secret" would blank out half of every sentence, and protects nothing


class Secrets(tuple[str, ...]):
    """Secrets on their way through frames, whose locals an error reporter may send away."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


def redact(text: str, *secrets: str) -> str:
    """Return the text on one line, without the given secrets, JWTs, long opaque values and form fields of secrets."""
    text = " ".join(text.split())
    for secret in secrets:
        for form in {secret, *escaped(secret)} if len(secret) >= _SHORTEST else ():
            text = text.replace(form, HIDDEN)
    text = re.sub(_JWT, HIDDEN, text)
    text = re.sub(_OPAQUE, HIDDEN, text)
    return re.sub(_QUOTED, rf"\1{HIDDEN}", re.sub(_FIELD, rf"\1\2{HIDDEN}", text))
