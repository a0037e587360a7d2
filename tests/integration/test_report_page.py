"""A report in a real browser, from the web app and from a file: it works, and a page that was planted does nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from browsing import needs_browser, picture
from listening import listening
from playwright.async_api import Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send
from test_partial_runs import ended, facts, folder, waiting
from test_report import EVIL, Shelf

from api.app import create_app
from api.services import Access, Services
from voicewright.contracts.access import Role, local_user
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.records import open_database, upgrade
from voicewright.report.build import Links, build_report
from voicewright.report.html import page_policy
from voicewright.report.results import gather, read_report
from voicewright.settings import Settings
from voicewright.store.keys import run_key, suite_version_key

pytestmark = needs_browser

PASSWORD = "correct horse battery"
SUITE = """suite: s
agent: {channel: media_stream, url: ws://127.0.0.1:1/}
cases:
  - id: b
    turns:
      - say: When are you closed?
        expect: {meaning: 'MEANING'}
"""
PLANTED = """
<form id="f" method="post" action="/api/reviews/run-1/c/en/1"><input name="verdict" value="pass">
<button id="send">Send</button></form>
<a id="link" href="javascript:document.title='ran'">Look</a>
<img src="/none" onerror="document.title='ran'">
<iframe src="/reviews/run-1/c/en/1"></iframe>
<base href="http://127.0.0.1:9/">
<script>document.title = "ran";
fetch("/api/reviews/run-1/c/en/1", {method: "POST", body: '{"verdict": "pass", "reviewer": "Eve"}'});
document.getElementById("f").submit();</script>
"""


class Posts:
    """The app, with a note of everything that is sent to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "GET":
            self.seen.append(scope["path"])
        await self.app(scope, receive, send)


@pytest.fixture
def shelf() -> Shelf:
    """Two cases have ended, and one waits for a person."""
    shelf = Shelf()
    shelf.put(run_key("run-1", "run.json"), facts(3).model_dump_json().encode())
    for case, outcome in (("a", Outcome.PASSED), ("b", Outcome.FAILED)):
        one = ended(shelf, case, outcome)
        shelf.put(folder(one.key, "recording.wav"), shelf.objects[f"{case}.wav"])
    waiting(shelf, CaseKey(case="c", language="en"))
    return shelf


@contextlib.asynccontextmanager
async def served(services: Services) -> AsyncIterator[tuple[str, Posts]]:
    async def connect() -> Services:
        return services

    posts = Posts(create_app(connect, (), ["127.0.0.1"]))
    async with listening(posts) as address:
        yield address, posts


@pytest.fixture
async def web(shelf: Shelf) -> AsyncIterator[tuple[str, Posts]]:
    store: Any = shelf
    temporal: Any = None
    async with served(Services(Settings(web_url=None), temporal, store)) as app:
        yield app


@pytest.fixture
async def guarded(shelf: Shelf, tmp_path: Path) -> AsyncIterator[str]:
    """The same where one logs in, as ada."""
    database = open_database(f"sqlite:///{tmp_path}/records.db")
    upgrade(database)
    access = Access.of(database)
    access.accounts.add("ada", PASSWORD, Role.VIEWER, local_user())
    store: Any = shelf
    temporal: Any = None
    async with served(Services(Settings(web_url=None), temporal, store, access=access)) as (address, _):
        yield address


def published(shelf: Shelf) -> bytes:
    whole = gather(shelf, facts(2), finished=True)
    return build_report(shelf, whole, Links()).html


async def plays(tab: Page) -> bool:
    await tab.wait_for_selector("audio", state="attached")  # the page draws a case after the click has been answered
    await tab.evaluate("document.querySelector('audio').play()")
    for _ in range(100):
        if await tab.evaluate("document.querySelector('audio').currentTime") > 0.2:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_published_report_works_in_its_sandbox(web: tuple[str, Posts], shelf: Shelf, tab: Page) -> None:
    shelf.put(run_key("run-1", "report.html"), published(shelf))
    trouble: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    answer = await tab.goto(f"{web[0]}/report/run-1")
    assert answer is not None
    policy = (await answer.all_headers())["content-security-policy"]
    assert "unsafe" not in policy
    assert "form-action 'none'" in policy
    assert "sandbox allow-scripts" in policy
    await tab.wait_for_selector("#cases")
    await expect(tab.locator("#cases tbody tr")).to_have_count(2)
    await tab.click("#cases a >> nth=0")
    assert await plays(tab)  # a recording that the page holds
    assert await tab.evaluate("window.origin") == "null"
    assert not [line for line in trouble if "favicon" not in line]


async def test_a_report_of_a_run_that_goes_on_is_built_now_and_its_recordings_play(
    web: tuple[str, Posts], shelf: Shelf, tab: Page
) -> None:
    await tab.goto(f"{web[0]}/report/run-1")
    await tab.wait_for_selector("#cases")
    await expect(tab.locator("#cases .pill.review")).to_have_count(1)
    await expect(tab.locator(".counts")).to_contain_text("1waiting for review")
    await expect(tab.locator("#head")).to_contain_text("goes on")
    await tab.click("#cases tr:has-text('c [en]') a")
    assert await plays(tab)  # one that lies in the store
    await expect(tab.locator("input[value=agent]")).to_have_count(0)  # a browser plays no single side of it


async def test_recordings_play_where_one_logs_in_though_the_sandbox_sends_no_cookie(guarded: str, tab: Page) -> None:
    await tab.goto(f"{guarded}/report/run-1")
    await tab.fill("[name=name]", "ada")
    await tab.fill("[name=password]", PASSWORD)
    await tab.click("main button")
    await tab.wait_for_selector("#cases")
    await tab.click("#cases tr:has-text('c [en]') a")
    assert await plays(tab)
    opened = urlsplit(tab.url)
    async with httpx.AsyncClient(base_url=guarded, trust_env=False) as stranger:
        assert (await stranger.get(f"/audio/run-1/c/en/1?{opened.query}")).status_code == 200
        for closed in ("", "pass=", "pass=1.x", f"{opened.query}0", opened.query.replace("pass=", "pass=9")):
            assert (await stranger.get(f"/audio/run-1/c/en/1?{closed}")).status_code == 401
        assert (await stranger.get(f"/audio/run-2/c/en/1?{opened.query}")).status_code == 401
        assert (await stranger.get(f"/report/run-1?{opened.query}")).status_code == 401  # nor anything else


async def test_a_report_of_another_version_is_built_anew(web: tuple[str, Posts], shelf: Shelf, tab: Page) -> None:
    older = published(shelf).replace(b'"use strict";', b'"use strict"; /* older */')
    shelf.put(run_key("run-1", "report.html"), older)
    await tab.goto(f"{web[0]}/report/run-1")
    await tab.wait_for_selector("#cases")
    await expect(tab.locator("#cases tbody tr")).to_have_count(3)


@pytest.mark.parametrize("disguised", [True, False], ids=["beside our scripts", "alone"])
async def test_a_planted_report_runs_nothing_and_sends_nothing(
    web: tuple[str, Posts], shelf: Shelf, tab: Page, disguised: bool
) -> None:
    page = published(shelf).replace(b"<main id=", PLANTED.encode() + b"<main id=", 1) if disguised else PLANTED.encode()
    shelf.put(run_key("run-1", "report.html"), page)
    await tab.goto(f"{web[0]}/report/run-1")
    await tab.wait_for_selector("#cases")
    for planted in ("#send", "#link"):
        if await tab.locator(planted).count():
            await tab.click(planted)
    await asyncio.sleep(0.5)
    assert await tab.title() != "ran"
    assert web[1].seen == []
    await expect(tab.locator("#send")).to_have_count(int(disguised))


async def test_the_same_page_works_as_a_file_and_runs_nothing_but_its_own(
    shelf: Shelf, tab: Page, tmp_path: Path
) -> None:
    page = build_report(shelf, read_report(shelf, "run-1"), Links()).html
    file = tmp_path / "report.html"
    file.write_bytes(page.replace(b"<main id=", b'<script>document.title = "ran"</script><main id=', 1))
    await tab.goto(file.as_uri())
    await tab.wait_for_selector("#cases")
    assert await tab.title() == "s: run-1"
    await tab.click("#cases tr:has-text('c [en]') a")
    await tab.locator("#case", has_text="Why the machine is unsure").wait_for()
    assert await plays(tab)
    await tab.click("input[value=agent]")


def test_the_policy_lets_in_nothing_by_kind() -> None:
    policy = page_policy()
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 3


async def test_callers_of_one_case_are_told_apart(web: tuple[str, Posts], shelf: Shelf, tab: Page) -> None:
    for key in (CaseKey(case="c", language="en", profile="street"), CaseKey(case="c", language="de", repeat=2)):
        waiting(shelf, key)
    await tab.goto(f"{web[0]}/report/run-1")
    await tab.wait_for_selector("#cases")
    names = await tab.locator("#cases tbody tr a").all_inner_texts()
    assert {"c [en]", "c [en+street]", "c [de] #2"} <= set(names)
    assert len(set(names)) == len(names)


async def test_what_was_expected_and_heard_is_marked_where_it_differs(
    web: tuple[str, Posts], shelf: Shelf, tab: Page
) -> None:
    suite = SUITE.replace("MEANING", f"Closed on Sunday. {EVIL}").encode()
    shelf.put(suite_version_key("s", "0" * 64), suite)
    await tab.goto(f"{web[0]}/report/run-1#run-1/b/en/1")
    turn = tab.locator("#turn-1")
    await expect(turn.locator(".expected .only")).to_have_text(["Closed", "on", "Sunday."])
    await expect(turn.locator(".word.only")).to_have_count(0)
    await picture(tab, "report-case")
