"""One caller at a desk, over Twilio Media Streams."""

import asyncio
import base64
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from examples.desk.mind import Mind, Reply
from examples.desk.speech.ears import Ears
from examples.desk.speech.mouth import Mouth
from examples.desk.speech.telephone import Endpointer

_FRAME_BYTES = 160
_BARGE_IN_MS = 250
_log = logging.getLogger("desk")


@dataclass(frozen=True)
class Attendant:
    """Who answers a caller: a mind with ears and a mouth."""

    mind: Mind
    ears: Ears
    mouth: Mouth


class Session:
    """One caller.

    Args:
        socket: the caller's stream.
        endpointer: cuts what the caller says into utterances.
        attend: who answers, by the language that the caller asks for.
        interjection: what an agent says that talks over its callers.
    """

    def __init__(
        self, socket: ServerConnection, endpointer: Endpointer, attend: Callable[[str], Attendant], interjection: str
    ) -> None:
        self._socket = socket
        self._attend = attend
        self._interjection = interjection
        self._attendant = attend("en-US")
        self._endpointer = endpointer
        self._stream_sid = ""
        self._speaking = False
        self._deaf = False
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
                    self._attendant = self._attend(self._language(message["start"].get("customParameters", {})))
                    await self._speak(self._attendant.mind.greet())
                elif message["event"] == "media":
                    await self._hear(base64.b64decode(message["media"]["payload"]))
                elif message["event"] == "mark":
                    self._speaking = self._deaf = False
                elif message["event"] == "stop":
                    break
        except ConnectionClosed:
            _log.info("caller is gone")
        except FileNotFoundError as error:
            _log.error("%s", error)
            await self._socket.close(1011, "a speech model is missing; the agent's log says which")
        finally:
            if self._thinking is not None:
                self._thinking.cancel()

    def _language(self, parameters: dict[str, str]) -> str:
        path = self._socket.request.path if self._socket.request is not None else ""
        return parameters.get("language") or parse_qs(urlsplit(path).query).get("language", ["en-US"])[0]

    async def _hear(self, mulaw: bytes) -> None:
        if self._deaf:
            return
        for utterance in self._endpointer.hear(mulaw):
            self._unanswered.append(utterance)
            self._think_again()
        spoken_ms = self._endpointer.speaking_ms
        if self._speaking and not self._interjected and spoken_ms >= _BARGE_IN_MS:
            self._speaking = False
            await self._send({"event": "clear"})
        if spoken_ms >= _BARGE_IN_MS and self._thinking is not None and not self._thinking.done():
            self._thinking.cancel()  # the caller goes on: answer everything together
        patience = self._attendant.mind.patience_ms()
        if patience is not None and spoken_ms >= patience and not self._interjected:
            self._interjected = True
            await self._play(await asyncio.to_thread(self._attendant.mouth.say, self._interjection))

    def _think_again(self) -> None:
        if self._thinking is not None:
            self._thinking.cancel()
        self._thinking = asyncio.create_task(self._answer(np.concatenate(self._unanswered)))

    async def _answer(self, utterance: NDArray[np.int16]) -> None:
        said = await asyncio.to_thread(self._attendant.ears.understand, utterance)
        self._unanswered = []
        reply = self._attendant.mind.answer(said)
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
        say = self._attendant.mouth.say
        speech = await asyncio.to_thread(say, reply.text, mumbled=reply.mumbled, spanish=reply.spanish)
        self._deaf = reply.deaf
        await self._play(speech[: round(len(speech) * reply.played)])

    async def _play(self, speech: bytes) -> None:
        self._speaking = True
        for at in range(0, len(speech), _FRAME_BYTES):
            payload = base64.b64encode(speech[at : at + _FRAME_BYTES]).decode()
            await self._send({"event": "media", "media": {"payload": payload}})
        await self._send({"event": "mark", "mark": {"name": "said"}})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps({**message, "streamSid": self._stream_sid}))
