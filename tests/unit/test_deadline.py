"""The web app answers in time, whatever it asks does: on a real socket, with a store that hangs."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from listening import listening
from pydantic import SecretStr
from standins.s3_server import S3Server

from api import metrics
from api.guard import deadline
from api.guard.deadline import Deadline
from api.services import Services
from voicewright.client import Voicewright
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store


class Temporal:
    """Answers for the review queue, or hangs."""

    def __init__(self) -> None:
        self.hangs = False

    async def review_backlog(self) -> int:
        await asyncio.sleep(60 if self.hangs else 0)
        return 3


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


@pytest.fixture
async def web(
    server: S3Server, temporal: Temporal, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(deadline, "ANSWER_S", 3.0)
    monkeypatch.setattr(metrics, "_ANSWER_S", 1.5)
    settings = Settings(s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("secret"))
    app = FastAPI()
    app.add_middleware(Deadline)
    app.include_router(metrics.router)
    store = S3Store(settings, answer_s=5, tries=1)
    app.state.services = Services(settings, cast("Voicewright", temporal), store)

    @app.get("/hangs")
    async def hangs() -> str:
        await asyncio.sleep(60)
        return "late"

    @app.get("/streams")
    async def streams() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for _ in range(5):
                yield "piece"
                await asyncio.sleep(0.9)

        return StreamingResponse(pieces())

    @app.post("/takes")
    async def takes(request: Request) -> int:
        return len(await request.body())

    async with (
        listening(app) as url,
        httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client,
    ):
        yield client


async def test_a_request_that_hangs_is_answered_in_time(web: httpx.AsyncClient) -> None:
    began = time.monotonic()
    answer = await web.get("/hangs")
    assert answer.status_code == 503
    assert "hangs" in answer.json()["detail"]
    assert time.monotonic() - began < 10


async def test_an_answer_that_has_begun_is_not_cut(web: httpx.AsyncClient) -> None:
    assert (await web.get("/streams")).text == 5 * "piece"


async def test_the_time_for_an_answer_begins_when_the_body_is_there(web: httpx.AsyncClient) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x"
            await asyncio.sleep(0.9)

    answer = await web.post("/takes", content=slowly())
    assert (answer.status_code, answer.text) == (200, "4")


async def test_health_is_well_when_both_answer(web: httpx.AsyncClient) -> None:
    answer = await web.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_health_names_the_server_that_hangs_and_answers_at_once(
    web: httpx.AsyncClient, server: S3Server, temporal: Temporal
) -> None:
    server.frozen = True
    began = time.monotonic()
    for _ in range(3):  # more than there are threads
        answer = await web.get("/healthz")
        assert answer.status_code == 503
        assert set(answer.json()) == {"status", "store"}
    server.frozen = False
    temporal.hangs = True
    while set((answer := await web.get("/healthz")).json()) != {"status", "temporal"}:
        assert time.monotonic() - began < 30
    assert answer.status_code == 503
