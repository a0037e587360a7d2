"""What the web app takes from outside has a size and a deadline, on a real socket."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from api.guard import limits

_BIG = 64 * 1024


@pytest.fixture
async def web(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setattr(limits, "ARRIVAL_S", 1.0)
    app = FastAPI()
    app.add_middleware(limits.BodyLimit)

    @app.post("/api/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    config = uvicorn.Config(app, port=0, http=limits.PunctualProtocol, log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def _pieces(count: int, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1000
        await asyncio.sleep(pause_s)


async def test_a_body_within_the_limit_arrives_whole(web: str) -> None:
    async with httpx.AsyncClient(base_url=web) as client:
        assert (await client.post("/api/size", content=b"x" * _BIG)).json() == _BIG


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_a_body_beyond_the_limit_is_refused(web: str, announced: bool) -> None:
    async with httpx.AsyncClient(base_url=web) as client:
        answer = await client.post("/api/size", content=b"x" * (_BIG + 1) if announced else _pieces(100))
    assert answer.status_code == 413
    assert "larger than the 65536 bytes" in answer.json()["detail"]


async def test_a_body_that_does_not_arrive_is_given_up(web: str) -> None:
    async with httpx.AsyncClient(base_url=web) as client:
        assert (await client.post("/api/size", content=_pieces(2, pause_s=3.0))).status_code == 408


async def test_too_many_bodies_at_once_are_told_to_come_again(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_BODIES_AT_ONCE", 2)
    async with httpx.AsyncClient(base_url=web) as client:
        asked = (client.post("/api/size", content=_pieces(2, pause_s=0.3)) for _ in range(4))
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429} == {"1"}


@pytest.mark.parametrize("said", [b"", b"GET /api/size HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half a head"])
async def test_a_connection_that_never_asks_is_closed(web: str, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(web.rpartition(":")[2]))
    writer.write(said)
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
