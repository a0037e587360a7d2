"""Far ends of calls: agents behind Media Streams written by hand, and what the calibration agents tell."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from local_stack import Child
from websockets.asyncio.server import ServerConnection, serve

from activities.audio import g711
from voicewright.suite.format.agent import SipTarget

Handler = Callable[[ServerConnection], Awaitable[None]]
Report = dict[str, Any]


@asynccontextmanager
async def agent(handler: Handler) -> AsyncIterator[str]:
    """Its address."""
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/media"


def media(samples: np.ndarray, stream_sid: str) -> str:
    payload = base64.b64encode(g711.encode(samples.astype(np.int16))).decode()
    return json.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})


def reports(child: Child, sign: str) -> list[Report]:
    """What a calibration agent told so far of calls that are over, a line of JSON each that holds `sign`."""
    whole = child.text().split("\n")[:-1]  # the last one may be half written
    return [json.loads(line) for line in whole if line.startswith("{") and sign in line]


async def told(child: Child, sign: str, count: int = 1) -> list[Report]:
    """The same, once there are as many."""
    async with asyncio.timeout(60):
        while len(found := reports(child, sign)) < count:
            await asyncio.sleep(0.02)
    return found


class SipFarEnd:
    """The calibration agent for SIP, and what it says of calls that are over."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.uri = next(line for line in child.text().splitlines() if line.startswith("sip:"))
        self.host = self.uri.split("@")[1]

    def at(self, user: str = "agent", **parameters: Any) -> SipTarget:
        tail = "".join(f";{name}={value}" for name, value in parameters.items())
        # Only where nobody is to answer is waiting in vain the point.
        return SipTarget(channel="sip", uri=f"sip:{user}@{self.host}{tail}", ring_s=2 if user == "ringing" else 20)

    def ended(self) -> list[Report]:
        return reports(self.child, '"call_id"')

    def live(self) -> int:
        lines = reports(self.child, '"live"')
        return int(lines[-1]["live"]) if lines else 0

    async def last(self, count: int) -> Report:
        """Of so many calls."""
        return (await told(self.child, '"call_id"', count))[-1]
