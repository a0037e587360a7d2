"""A real browser, as fixtures: one a module, and a tab of its own for each test."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
SHOTS = os.environ.get("VOICEWRIGHT_SCREENSHOTS")
"""A folder for pictures of the pages, for a person to look at."""
PATIENCE_MS = 120_000
"""What is waited for comes in a second, or on a busy machine in some more; what never comes fails either way."""
expect.set_options(timeout=PATIENCE_MS)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield await context.new_page()
    await context.close()


async def picture(tab: Page, name: str) -> None:
    """Light, dark and on a phone, where somebody wants to see them."""
    if SHOTS is None:
        return
    for how, scheme, width in (("light", "light", 1200), ("dark", "dark", 1200), ("phone", "light", 390)):
        await tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await tab.set_viewport_size({"width": width, "height": 800})
        await tab.screenshot(path=f"{SHOTS}/{name}-{how}.png", full_page=True)
