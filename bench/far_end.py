"""What the benches of calls share: far ends whose behaviour is known, each a process of its own, and bounds."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from call_timing import utterance

from activities.audio.voice_activity import Detectors, VoiceActivity
from activities.call.conversation import Conversation
from activities.call.held import Held
from activities.call.script import Planned, PlannedTurn
from activities.ports.line import Dialler, Line
from voicewright.suite import Limits
from voicewright.suite.format.agent import AgentTarget

FRAME_MS = 20
DETECTORS = Detectors()
SPEECH = utterance()
LOUD_MS = int(np.flatnonzero(np.abs(SPEECH.samples) > 600)[0]) // 8 // FRAME_MS * FRAME_MS
"""The far ends hear a caller from the first loud frame on."""


@dataclass
class Bounds:
    """What was out of them."""

    broken: list[str] = field(default_factory=list)

    def check(self, name: str, *, holds: bool) -> str:
        """A mark for a table."""
        if not holds:
            self.broken.append(name)
        return "ok" if holds else "OUT"


@dataclass
class FarEnd:
    """Where it is, how many calls it is in, and what it says of those that are over."""

    address: str = ""
    live: int = 0
    ended: list[dict[str, object]] = field(default_factory=list)


@asynccontextmanager
async def far_end(module: str, ready: str, *options: str) -> AsyncIterator[FarEnd]:
    """A far end of examples/calibration."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-u",
        "-m",
        f"examples.calibration.{module}",
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    far = FarEnd()
    while not far.address.startswith(ready):
        far.address = (await child.stdout.readline()).decode().strip()

    async def collect() -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            if line.startswith(b'{"call_id"'):
                far.ended.append(json.loads(line))
            elif line.startswith(b'{"live"'):
                far.live = int(json.loads(line)["live"])

    collecting = asyncio.create_task(collect())
    try:
        yield far
    finally:
        child.terminate()
        await child.wait()
        await collecting


async def hold(dialler: Dialler, target: AgentTarget, script: list[Planned], limits: Limits | None = None) -> Held:
    return await hold_on(await dialler.dial(target, call_id="bench"), script, limits)


async def hold_on(line: Line, script: list[Planned], limits: Limits | None = None) -> Held:
    with DETECTORS.borrow(line.rate_hz) as detector:
        activity = VoiceActivity(detector, line.rate_hz)
        return await Conversation(line, limits or Limits(answer_ms=5000), activity).hold(script)


def questions(count: int) -> list[Planned]:
    return [PlannedTurn(0, None, judged=True), *(PlannedTurn(n + 1, SPEECH.samples, judged=True) for n in range(count))]
