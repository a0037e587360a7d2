"""Runs started, followed, stopped and repeated by the web app: real workflows on a real Temporal, invented steps."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from browsing import needs_browser, picture
from fakes import Steps
from listening import listening
from playwright.async_api import Page, expect
from pydantic import SecretStr
from serving import serving, unique
from standins.s3_server import S3Server
from temporalio.client import Client
from test_report import Shelf, result

from api.app import create_app
from api.running import live
from api.services import Services
from voicewright.client import Voicewright
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.run import RunRequest
from voicewright.contracts.verdict import Decision
from voicewright.settings import Settings
from voicewright.store.keys import case_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import parse_suite

SUITE = b"""
suite: s
agent: {channel: media_stream, url: "ws://127.0.0.1:9/media"}
cases:
  - id: c0
    turns: [{say: Hello?, expect: {contains: [hello]}}]
"""


@dataclass
class Site:
    """The web app with a Temporal and a store behind it."""

    address: str
    web: httpx.AsyncClient
    voicewright: Voicewright
    store: S3Store

    async def start(self, steps: Steps, stack: AsyncExitStack, **fields: object) -> str:
        await stack.enter_async_context(serving(self.voicewright.temporal, steps))
        request = RunRequest.model_validate({"suite": "s", **fields})
        return await self.voicewright.start(request, run_id=unique("run"))


@pytest.fixture
async def site(real: Client) -> AsyncIterator[Site]:
    with S3Server() as server:
        settings = Settings(
            s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
        )
        voicewright, store = Voicewright(real), S3Store(settings)
        store.ensure_bucket()

        async def connect() -> Services:
            return Services(settings, voicewright, store)

        async with (
            listening(create_app(connect, (), ["127.0.0.1"])) as address,
            httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as web,
        ):
            yield Site(address, web, voicewright, store)


async def events(site: Site, run_id: str) -> list[tuple[str, dict[str, object]]]:
    """All events of a run, to their end."""
    found: list[tuple[str, dict[str, object]]] = []
    async with site.web.stream("GET", f"/live/{run_id}") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found


async def test_a_run_is_told_live_to_its_end_and_asked_once_for_all_viewers(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    progress = site.voicewright.standing

    async def counted(run_id: str) -> object:
        nonlocal asked
        asked += 1
        return await progress(run_id)

    monkeypatch.setattr(site.voicewright, "standing", counted)
    monkeypatch.setattr(live, "_EVERY_S", 0.2)
    async with AsyncExitStack() as stack:
        run_id = await site.start(Steps(cases=6, parallel=1, call_s=0.3), stack)
        told = await asyncio.gather(*(events(site, run_id) for _ in range(20)))
        in_all = asked
        [*going_on, over] = told[0]
        assert over == ("over", {})
        assert [name for name, _ in going_on] == ["progress"] * len(going_on)
        assert going_on[-1][1] == {
            "total": 6, "running": 0, "counts": {"passed": 6}, "reviewing": 0, "finished": True,
        }  # fmt: skip
        assert len(going_on) > 2
        assert {one[-2][1]["finished"] for one in told} == {True}
        assert in_all < 20 * len(going_on)  # twenty viewers, one that asks
        assert await events(site, run_id) == [going_on[-1], over]
    assert await events(site, unique("nobody")) == [("over", {})]


async def test_beyond_so_many_viewers_pages_stay_as_they_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_VIEWERS", 0)
    answer = await site.web.get("/live/x")
    assert (answer.status_code, "reload" in answer.json()["detail"]) == (503, True)


@needs_browser
async def test_a_page_follows_its_run_and_cancels_it(site: Site, tab: Page) -> None:
    async with AsyncExitStack() as stack:
        run_id = await site.start(Steps(cases=3, parallel=1, endless_from=1), stack)
        await tab.goto(f"{site.address}/runs/{run_id}")
        await expect(tab.locator("#live")).to_contain_text("running")
        await expect(tab.locator("#live")).to_contain_text("1 passed")  # without a reload
        await picture(tab, "run")
        await tab.click("text=Cancel the run")
        await expect(tab.locator("#live")).to_contain_text("cancelled")


@needs_browser
async def test_a_run_is_started_by_a_form_once_and_what_is_wrong_is_said(site: Site, tab: Page) -> None:
    push(site.store, parse_suite(SUITE, "s.yaml"), SUITE)
    async with AsyncExitStack() as stack:
        steps = Steps(cases=1)
        await stack.enter_async_context(serving(site.voicewright.temporal, steps))
        await tab.goto(f"{site.address}/runs")
        await tab.click("text=Start a run")
        await tab.fill("[name=agent_url]", "ftp://nowhere")
        await tab.fill("[name=cases]", "c0, c*")
        await tab.click("main button")
        await expect(tab.get_by_role("alert")).to_contain_text("agent_url: must be an address")
        await picture(tab, "start")
        assert await tab.input_value("[name=cases]") == "c0, c*"
        await tab.fill("[name=agent_url]", "ws://127.0.0.1:9/media")
        await tab.fill("[name=branch]", "main")
        key = await tab.input_value("[name=key]")
        await tab.click("main button")
        await expect(tab).to_have_url(re.compile(f"/runs/run-s-{key}"))
        same = {"suite": "s", "cases": "c0,c*", "agent_url": "ws://127.0.0.1:9/media", "branch": "main", "key": key}
        again = await site.web.post("/runs/new", data=same)
        assert again.headers["location"] == f"/runs/run-s-{key}"
        other = await site.web.post("/runs/new", data={**same, "branch": "other"})
        assert (other.status_code, "was sent before" in other.text) == (422, True)
        await site.voicewright.wait(f"run-s-{key}")
        [asked] = steps.plans
        assert (asked.suite, asked.cases, asked.branch) == ("s", ("c0", "c*"), "main")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"suite": "nothing-like-it"}, "nothing-like-it"),
        ({"suite": ""}, "suite"),
        ({"suite": "s", "repeats": "many"}, "repeats"),
        ({"suite": "s", "repeats": "0"}, "repeats"),
        ({"suite": "s", "agent_url": "<script>alert(1)</script>"}, "agent_url"),
        ({"suite": "s", "max_parallel": "501"}, "max_parallel"),
    ],
)
async def test_a_form_that_makes_no_sense_is_shown_again(site: Site, form: dict[str, str], told: str) -> None:
    push(site.store, parse_suite(SUITE, "s.yaml"), SUITE)
    answer = await site.web.post("/runs/new", data=form)
    assert answer.status_code == 422
    assert told in answer.text
    assert "<script>alert" not in answer.text


async def test_what_failed_is_run_again_in_the_same_version(site: Site) -> None:
    async with AsyncExitStack() as stack:
        steps = Steps(cases=3, decide=lambda key: Decision.FAIL if key.case == "c1" else Decision.PASS)
        run_id = await site.start(steps, stack, branch="main", tags=["smoke"], max_parallel=2)
        await site.voicewright.wait(run_id)
        keep(site.store, run_id, c0=Outcome.PASSED, c1=Outcome.FAILED, c2=Outcome.ERRORED)
        nothing = await site.web.post(f"/runs/{run_id}/rerun", data={"case": "c9"}, headers={"accept": "text/html"})
        assert (nothing.status_code, "c9 has not ended" in nothing.text) == (409, True)
        for form, cases in (({}, ("c1", "c2")), ({"case": "c0"}, ("c0",))):
            started = await site.web.post(f"/runs/{run_id}/rerun", data=form)
            assert started.status_code == 303, started.text
            await site.voicewright.wait(started.headers["location"].removeprefix("/runs/"))
            again = steps.plans[-1]
            assert (again.cases, again.languages, again.profiles) == (cases, ("en",), ("plain",))
            assert (again.tags, again.branch, again.max_parallel) == ((), "main", 2)
            assert again.suite.partition("@")[0] == "s"
        key = {"key": "0" * 26}
        first, second = [await site.web.post(f"/runs/{run_id}/rerun", data=key) for _ in "ab"]
        assert first.headers["location"] == second.headers["location"]  # two clicks
        assert (await site.web.post(f"/runs/{unique('nobody')}/rerun")).status_code == 404
        keep(site.store, run_id, **{f"d{number}": Outcome.ERRORED for number in range(1001)})
        many = await site.web.post(f"/runs/{run_id}/rerun")
        assert (many.status_code, "too many" in many.json()["detail"]) == (409, True)


async def test_following_a_run_that_was_terminated_ends(site: Site) -> None:
    async with AsyncExitStack() as stack:
        run_id = await site.start(Steps(cases=3, call_s=30), stack)
        await site.voicewright.temporal.get_workflow_handle(run_id).terminate()
        assert (await events(site, run_id))[-1] == ("over", {})


def keep(store: S3Store, run_id: str, **outcomes: Outcome) -> None:
    """Results of cases, as `record_result` leaves them."""
    for name, outcome in outcomes.items():
        raw = result(Shelf(), name, outcome).model_dump_json().encode()
        store.put(case_key(run_id, CaseKey(case=name, language="en"), "result.json"), raw, "application/json")
