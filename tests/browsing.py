"""A real browser, as fixtures: one a module, and a tab of its own for each test."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import axe_playwright_python
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
_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
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
    """Look at a page: what axe finds in it, light and dark; with pictures, where somebody wants them."""
    before = tab.viewport_size
    for how, scheme, width in (("light", "light", 1200), ("dark", "dark", 1200), ("phone", "light", 390)):
        if how == "phone" and SHOTS is None:
            break
        await tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await tab.set_viewport_size({"width": width, "height": 800})
        if how != "phone":
            await accessible(tab, f"{name}, {how}")
        if SHOTS is not None:
            await tab.screenshot(path=f"{SHOTS}/{name}-{how}.png", full_page=True)
    await tab.emulate_media(color_scheme="light")
    if before is not None:
        await tab.set_viewport_size(before)


async def accessible(tab: Page, name: str) -> None:
    """Nothing serious for axe (https://github.com/dequelabs/axe-core), which knows WCAG's rules."""
    await tab.evaluate(_AXE)
    found = await tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    grave = [
        f"{one['impact']}: {one['help']} ({one['id']}): {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert not grave, f"{name}: " + "\n".join(grave)
