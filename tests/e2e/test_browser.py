"""A real browser: a validator listens to both sides and decides; a report opens from a file."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browsing import needs_browser
from local_stack import LocalStack
from playwright.async_api import Browser, Page, expect

from voicewright.client import ReviewRefusedError, Voicewright
from voicewright.client.connect import connect
from voicewright.contracts.case import Outcome
from voicewright.contracts.review import ReviewSubmission
from voicewright.contracts.run import RunRequest
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

pytestmark = [pytest.mark.runs, needs_browser]
# How loud each channel of the page's recording is: what a listener would hear from each side.
LOUDNESS = """async () => {
  const raw = await (await fetch(document.querySelector("audio").src)).arrayBuffer();
  const audio = await new OfflineAudioContext(2, 8000, 8000).decodeAudioData(raw);
  const loudest = (samples) => samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  return [0, 1].map((channel) => loudest(audio.getChannelData(channel)));
}"""


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Page]:
    """A tab in which any error of a script or a missing file is the test's failure."""
    context = await browser.new_context(bypass_csp=False)
    tab = await context.new_page()
    trouble: list[str] = []
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    yield tab
    await context.close()
    assert not trouble


@pytest.fixture(scope="module")
async def voicewright(stack: LocalStack) -> Voicewright:
    return Voicewright(await connect(stack.settings))


@pytest.fixture(scope="module")
async def run_id(stack: LocalStack, clinic: str, voicewright: Voicewright) -> str:
    """A run of two cases: one passes, one waits for a human."""
    suite = push(S3Store(stack.settings), *load_suite(Path("examples/clinic/suite.yaml"))).name
    request = RunRequest(suite=suite, cases=("parking", "price"), agent_url=f"{clinic}?bugs=mumbles")
    run = await voicewright.start(request)
    async for progress in voicewright.watch(run):
        if progress.done + progress.reviewing_total == 2:
            break
    return run


async def plays(tab: Page) -> bool:
    """Whether the recording really runs."""
    await tab.wait_for_selector("audio", state="attached")
    await tab.evaluate("document.querySelector('audio').play()")
    for _ in range(100):
        if await tab.evaluate("document.querySelector('audio').currentTime") > 0.3:
            return not await tab.evaluate("document.querySelector('audio').paused")
        await asyncio.sleep(0.1)
    return False


async def test_a_validator_listens_and_decides(
    stack: LocalStack, voicewright: Voicewright, run_id: str, tab: Page
) -> None:
    await tab.goto(f"{stack.settings.web_url}/reviews")
    await tab.click(f'a[href*="{run_id}/parking/en/1"]')
    await tab.locator("#view", has_text="Is there any parking").wait_for()  # drawn once its data have come
    reason = await tab.inner_text(".reason")
    assert "recogniser" in reason or "no speech was found" in reason
    assert await plays(tab)
    caller, agent = await tab.evaluate(LOUDNESS)
    assert caller > 0.05
    assert agent > 0.01
    await tab.click("input[value=agent]")  # one side alone
    assert await plays(tab)
    await tab.click("button.pass")
    assert "/parking/en/1" in tab.url  # a browser does not send a form without the name
    await tab.fill("#reviewer", "Ada")
    await tab.fill("[name=note]", "mumbles, cannot be understood")
    await tab.uncheck("#then")
    await tab.click("button.fail")
    await tab.wait_for_selector("[role=status]")
    await expect(tab.locator("[role=status]")).to_contain_text("Decided: fail by Ada")
    progress = await voicewright.wait(run_id)
    assert progress.counts == {Outcome.PASSED: 1, Outcome.FAILED: 1}
    await tab.goto(f"{stack.settings.web_url}/defects")
    await tab.click("tr:has-text('parking') a")
    await tab.locator("main", has_text="decided by Ada").wait_for()


async def test_the_report_opens_from_a_file(
    stack: LocalStack, voicewright: Voicewright, run_id: str, tab: Page, tmp_path: Path
) -> None:
    with contextlib.suppress(ReviewRefusedError):  # decided already, by the test above
        decision = ReviewSubmission(verdict="fail", reviewer="Ada")
        await voicewright.decide(f"{run_id}/parking/en/1", decision)
    await voicewright.wait(run_id)
    page, summary = tmp_path / "report.html", tmp_path / "summary.md"
    made = await asyncio.to_thread(
        stack.cli, "report", run_id, "--output", str(page), "--markdown", str(summary), "--audio", "all"
    )
    assert made.returncode == 0, made.stderr
    assert "1 of 2 passed" in summary.read_text()
    await tab.goto(page.as_uri())
    await tab.wait_for_selector("#cases")
    await expect(tab.locator("#cases tbody tr")).to_have_count(2)
    await tab.fill("input[type=search]", "parking")
    await expect(tab.locator("#cases tbody tr")).to_have_count(1)
    await tab.click("#cases a")
    await tab.locator("#case", has_text="fail by Ada").wait_for()
    assert await plays(tab)
    word = tab.locator(".word").first
    assert re.search(r"\d s to", await word.get_attribute("title") or "")
