"""A client of the Realtime API, through the official SDK, that holds every event it gets against the SDK's types."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import numpy as np
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel
from standins.openai_realtime import OpenAiRealtime
from standins.realtime_audio import FORMATS

Json = dict[str, Any]
KINDS: dict[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(RealtimeServerEvent)[0])
}


class Line:
    """A client that checks every event it gets."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.got: list[Json] = []

    async def next(self) -> Json:
        async with asyncio.timeout(60):
            event: Json = json.loads(await self.connection.recv_bytes())
        KINDS[event["type"]].model_validate(event, strict=True)
        self.got.append(event)
        return event

    async def until(self, kind: str) -> Json:
        while (event := await self.next())["type"] != kind:
            assert event["type"] != "error", event
        return event

    async def refused(self) -> Json:
        event = await self.next()
        assert event["type"] == "error", event
        error: Json = event["error"]
        return error

    async def send(self, kind: str, **more: Any) -> None:
        await self.connection.send_raw(json.dumps({"type": kind, **more}))

    async def update(self, **session: Any) -> Json:
        await self.send("session.update", session={"type": "realtime", **session})
        updated: Json = (await self.until("session.updated"))["session"]
        return updated

    async def say(self, *audio: np.ndarray, form: str = "audio/pcm") -> None:
        wire = FORMATS[form].encode(np.concatenate(audio))
        await self.connection.input_audio_buffer.append(audio=base64.b64encode(wire).decode())

    def audio(self, form: str = "audio/pcm") -> np.ndarray:
        deltas = [event["delta"] for event in self.got if event["type"] == "response.output_audio.delta"]
        return FORMATS[form].decode(b"".join(map(base64.b64decode, deltas)))


@asynccontextmanager
async def line(server: OpenAiRealtime, *, key: str = "sk-right", model: str = "gpt-realtime") -> AsyncIterator[Line]:
    client = AsyncOpenAI(api_key=key, base_url="http://127.0.0.1:9/v1", websocket_base_url=server.url)
    try:
        async with client.realtime.connect(model=model) as connection:
            yield Line(connection)
    finally:
        await client.close()
