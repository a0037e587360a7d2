"""Whatever is typed into an address, a header, a form or a body: an answer below 500, and none of it hurts the app."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fakes import Steps
from listening import listening
from serving import serving, unique
from temporalio.client import Client
from test_report import Shelf

from api.app import create_app
from api.services import Services
from voicewright.client import Voicewright
from voicewright.contracts.case import CaseKey
from voicewright.contracts.run import RunRequest
from voicewright.contracts.verdict import Decision
from voicewright.settings import Settings
from voicewright.store.keys import case_key

DIGITS = "9" * 5000
ODD = [
    "%ED%A0%80", "%00", "%FF", "%EF%BF%BF", "%1B[31m", "..", "%2e%2e%2f", DIGITS, f"a/b/en/{DIGITS}", "a/b/en/%D9%A3",
    "x" * 3000, "%F0%9F%98%80", "a'b", "a%22b", "%0d%0aSet-Cookie:x", "a/b/en/-1", "a/b/en/1e9", "%25", "a%3Bb",
]  # fmt: skip
PATHS = ["/runs/", "/report/", "/reviews/", "/audio/", "/defects/", "/static/", "/api/runs/", "/api/reviews/", "/"]
TEXTS = ["\ud800", "\ufffe\uffff", "\x00", "\x1b]0;x\x07", "x" * 50_000, "{{7*7}}", "😀", "9" * 5000, ""]


@pytest.fixture
async def case(real: Client) -> AsyncIterator[tuple[Client, str]]:
    """A case that waits for a person, and who serves it."""
    async with serving(real, Steps(cases=1, decide=lambda _: Decision.REVIEW)):
        voicewright = Voicewright(real)
        run_id = await voicewright.start(RunRequest(suite="s"), run_id=unique("run"))
        async with asyncio.timeout(60):
            async for _ in voicewright.watch(run_id):
                pass
        yield real, f"{run_id}/c0/en/1"
        await voicewright.cancel(run_id)
        await voicewright.wait(run_id)


@pytest.fixture
async def web(case: tuple[Client, str]) -> AsyncIterator[httpx.AsyncClient]:
    shelf = Shelf()
    key = CaseKey(case="a", language="en")
    shelf.put(case_key("run-1", key, "recording.wav"), b"RIFF" + b"x" * 996)
    store: Any = shelf

    async def connect() -> Services:
        return Services(Settings(web_url=None), Voicewright(case[0]), store)

    async with (
        listening(create_app(connect, (), ["127.0.0.1"])) as url,
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_odd_addresses(web: httpx.AsyncClient, accept: str) -> None:
    for path in PATHS:
        for odd in ODD:
            answer = await web.get(f"{path}{odd}", headers={"Accept": accept})
            assert answer.status_code < 500, (path, odd[:40], answer.text[:300])
            assert "Traceback" not in answer.text


async def test_an_address_longer_than_any_key_is_told_so(web: httpx.AsyncClient) -> None:
    for path in ("/report/" + "x" * 1000, "/defects/" + "é" * 300):
        assert (await web.get(path)).status_code == 414


async def test_odd_ranges_and_pages(web: httpx.AsyncClient) -> None:
    for odd in (
        f"bytes=0-{DIGITS}",
        f"bytes={DIGITS}-",
        f"bytes=-{DIGITS}",
        "bytes=-",
        "bytes=٣-",
        "bytes=5-1",
        "x" * 9000,
    ):
        answer = await web.get("/audio/run-1/a/en/1", headers={b"Range": odd.encode()})
        assert answer.status_code in {200, 206, 416}, (odd[:40], answer.status_code)
    for path in ("/reviews", "/api/reviews"):
        for query in (
            f"limit={DIGITS}",
            "limit=-1",
            "limit=x",
            "after=%ED%A0%80",
            f"after={DIGITS}",
            "after=W10",
            "after=%00",
        ):
            status = (await web.get(f"{path}?{query}")).status_code
            assert status in {400, 422}, (path, query[:40], status)


async def test_odd_decisions(web: httpx.AsyncClient, case: tuple[Client, str]) -> None:
    """In a form and as JSON, for a case that waits, for one that does not exist, and for a defect."""
    chance = random.Random(11)  # noqa: S311 - a test that can be repeated
    fields = ("verdict", "reviewer", "note")
    for target in (case[1], "nobody/a/en/1"):
        for _ in range(25):
            given = {name: chance.choice(TEXTS) for name in fields if chance.random() < 0.9}
            sent = json.dumps(given).encode()  # a lone surrogate as \\ud800
            answer = await web.post(f"/api/reviews/{target}", content=sent)
            assert answer.status_code < 500, (given.keys(), answer.text[:300])
            form = {name: value.encode("utf-8", "surrogatepass")[:9000] for name, value in given.items()}
            answer = await web.post(f"/reviews/{target}", data=form)
            assert answer.status_code < 500, (given.keys(), answer.text[:300])
        for body in (
            f'{{"verdict": {DIGITS}}}',
            "[" * 30_000,
            '{"note": NaN}',
            "\ufeff{}",
            '{"reviewer": ["a"]}',
            "null",
        ):
            answer = await web.post(f"/api/reviews/{target}", content=body.encode())
            assert answer.status_code < 500, (body[:40], answer.text[:300])
    for text in TEXTS:
        form = {"status": b"closed", "by": text.encode("utf-8", "surrogatepass")[:9000]}
        assert (await web.post("/defects/VW-00000000", data=form)).status_code < 500


async def test_odd_hooks(web: httpx.AsyncClient) -> None:
    for body in (f'{{"a": {DIGITS}}}', '"\\ud800"', "[" * 30_000):
        assert (await web.post("/webhooks/github", content=body.encode())).status_code < 500
