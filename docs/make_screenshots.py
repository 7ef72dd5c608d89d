"""Make docs/images: the emulator's pages as a browser shows them (needs playwright and a chromium).

.venv/bin/python docs/make_screenshots.py
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from browser import ARGUMENTS, chromium  # noqa: E402
from entra_tokens.emulator import Emulator  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES = ROOT / "docs" / "images"
WIDE, PHONE = {"width": 1180, "height": 760}, {"width": 375, "height": 812}


def lively(emulator: Emulator) -> str:
    """Let things happen that a control room can show; returns a device code that waits."""
    trust = ssl.create_default_context(cafile=emulator.ca_file)
    with httpx.Client(verify=trust, trust_env=False) as http:
        tenant = f"{emulator.authority}/{emulator.tenant_id}"
        secret = {
            "grant_type": "client_credentials",
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
        }

        def token(scope: str) -> str:
            form = {**secret, "scope": scope}
            answer = http.post(f"{tenant}/oauth2/v2.0/token", data=form)
            return str(answer.json()["access_token"]) if answer.is_success else ""

        def managed_identity(resource: str) -> None:
            query = {"api-version": "2018-02-01", "resource": resource}
            address = f"{emulator.managed_identity_url}/metadata/identity/oauth2/token"
            http.get(address, params=query, headers={"Metadata": "true"})

        def front(authorization: str) -> None:
            headers = {"Authorization": authorization, "Session-Id": "screenshots"}
            http.post(f"{emulator.h2ogpte_url}/rpc/db", json=["get_meta"], headers=headers)

        http.get(f"{tenant}/v2.0/.well-known/openid-configuration")
        front(f"Bearer-Token {token(emulator.h2ogpte_scope)}")
        emulator.advance(1500)
        managed_identity("https://management.azure.com")
        front("Bearer-Token forged")
        emulator.fail("token", fault="throttled", times=2)
        token("https://graph.microsoft.com/.default")
        token("https://graph.microsoft.com/.default")
        emulator.advance(700)
        token("https://graph.microsoft.com/.default")
        managed_identity(emulator.h2ogpte_scope.removesuffix("/.default"))
        emulator.fail("imds", fault="hang", seconds=95)
        emulator.fail("h2ogpte_rest", status=503, times=5)
        emulator.fail("token", error=7000222, share=0.2, client_id=emulator.client_id)
        form = {"client_id": emulator.client_id, "scope": f"{emulator.h2ogpte_scope} offline_access"}
        return str(http.post(f"{tenant}/oauth2/v2.0/devicecode", data=form).json()["user_code"])


def shoot(browser: Browser, address: str, name: str, *, size: dict[str, int], dark: bool = False) -> None:
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("document.querySelector('#requests li') || !document.querySelector('#requests')")
    page.screenshot(path=IMAGES / f"{name}.png", full_page=size is WIDE)
    context.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with Emulator() as emulator, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        code = lively(emulator)
        room = emulator.control_room_url
        shoot(browser, room, "control-room-light", size=WIDE)
        shoot(browser, room, "control-room-dark", size=WIDE, dark=True)
        shoot(browser, room, "control-room-phone", size=PHONE, dark=True)
        shoot(browser, f"{room}device?code={code}", "device-page-phone", size=PHONE)
        browser.close()


if __name__ == "__main__":
    main()
