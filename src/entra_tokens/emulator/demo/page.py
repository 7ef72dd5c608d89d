"""Answering a device code through the emulator's page, as a person's browser would."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from entra_tokens import DeviceCodePrompt

__all__ = ["approve_through_page"]


class _Form(HTMLParser):
    """The hidden fields of the page's form."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "input" and named.get("type") == "hidden":
            self.fields[named.get("name") or ""] = named.get("value") or ""


def approve_through_page(ca_file: str) -> Callable[[DeviceCodePrompt], None]:
    """A prompt that opens the page, reads its form and presses Approve."""

    def approve(prompt: DeviceCodePrompt) -> None:
        import ssl

        import httpx

        context = ssl.create_default_context(cafile=ca_file)
        with httpx.Client(verify=context, trust_env=False, timeout=10) as browser:
            page = browser.get(prompt.verification_uri, params={"code": prompt.user_code})
            form = _Form()
            form.feed(page.raise_for_status().text)
            browser.post(
                prompt.verification_uri,
                data={**form.fields, "answer": "approve"},
                headers={"Origin": str(page.url.copy_with(raw_path=b"/")).rstrip("/")},
            ).raise_for_status()

    return approve
