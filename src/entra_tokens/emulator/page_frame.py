"""The frame of every page that a person sees: no script, no outside asset."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from starlette.responses import HTMLResponse

__all__ = ["hidden", "page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


def page(title: str, content: str, status: int = 200, *, sends_to: str = "") -> HTMLResponse:
    """A page of the emulator's.

    Args:
        content: HTML.
        sends_to: Another origin that its form leads to, by a redirect or directly.
    """
    headers = {
        "Cache-Control": "no-store",
        # Browsers hold this against the redirects after a form, too.
        "Content-Security-Policy": f"{_POLICY}; form-action 'self' {sends_to}".strip(),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    whole = _frame().replace("{{title}}", escape(title)).replace("{{content}}", content)
    return HTMLResponse(whole, status_code=status, headers=headers)


def hidden(name: str, value: str) -> str:
    """A form field that nobody sees."""
    return f'<input type="hidden" name="{escape(name, quote=True)}" value="{escape(value, quote=True)}">'


@cache
def _frame() -> str:
    return (files("entra_tokens.emulator") / "pages" / "frame.html").read_text(encoding="utf-8")
