"""One response of the Realtime API: the events from `response.created` to `response.done`."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from standins.realtime_audio import Format, at_rate
from standins.realtime_items import Item, Send

Json = dict[str, Any]
PIECE_MS = 100


@dataclass(frozen=True)
class Call:
    """The model calls a function instead of speaking."""

    name: str
    arguments: Json = field(default_factory=dict)


Speech = tuple[np.ndarray, int, str]
"""16-bit samples, their rate in Hz, and what they say."""


@dataclass
class Turn:
    """When the caller fell silent and the answer began, on the clock of `time.monotonic`."""

    ended_at: float
    response_id: str
    sent_at: float | None = None
    status: str = "in_progress"

    @property
    def delay_ms(self) -> float:
        assert self.sent_at is not None
        return (self.sent_at - self.ended_at) * 1000


class Response:
    """Speaks, or calls a function, unless it is stopped."""

    def __init__(self, send: Send, add: Callable[[Item], Awaitable[None]], turn: Turn, shell: Json) -> None:
        self.turn = turn
        self.number = turn.response_id
        self.item: Item | None = None
        self._send, self._add, self._shell = send, add, shell
        self._stop, self._reason = asyncio.Event(), ""
        self._said = ""
        self._parts: Json = {"response_id": self.number, "output_index": 0}

    def stop(self, reason: str) -> None:
        if not self._stop.is_set():
            self._reason = reason
            self._stop.set()

    async def open(self) -> None:
        await self._send("response.created", response=self._shown("in_progress"))

    async def speak(self, speech: Speech, form: Format, due: float, pace: float) -> None:
        """Sends the first piece at `due`, on the loop's clock, and the rest `pace` times as fast as it sounds."""
        samples, rate, transcript = speech
        audio = at_rate(np.asarray(samples), rate, form.rate)
        piece, loop = form.rate * PIECE_MS // 1000, asyncio.get_running_loop()
        pieces = [form.encode(audio[at : at + piece]) for at in range(0, len(audio), piece)]
        words = transcript.split(" ")
        await self._wait_until(due)
        if self._stop.is_set():
            await self._close("cancelled")
            return
        self.item = Item(
            self.number.replace("resp", "item"), {"type": "message", "role": "assistant", "content": []}, 0, form.rate
        )
        await self._open_item()
        at = {**self._parts, "item_id": self.item.number, "content_index": 0}
        await self._send("response.content_part.added", **at, part={"type": "audio", "transcript": ""})
        for number, wire in enumerate(pieces, start=1):
            if self._stop.is_set():
                break
            self.turn.sent_at = self.turn.sent_at or time.monotonic()
            self.item.sent_samples += len(wire) // form.sample_bytes
            await self._send("response.output_audio.delta", **at, delta=base64.b64encode(wire).decode())
            said = " ".join(words[: -(-len(words) * number // len(pieces))])
            if said != self._said:
                await self._send("response.output_audio_transcript.delta", **at, delta=said.removeprefix(self._said))
                self._said = said
            if number < len(pieces):
                await self._wait_until(loop.time() + PIECE_MS / 1000 / pace)
        await self._send("response.output_audio.done", **at)
        await self._send("response.output_audio_transcript.done", **at, transcript=self._said)
        await self._send("response.content_part.done", **at, part={"type": "audio", "transcript": self._said})
        self.item.shown["content"] = [{"type": "output_audio", "transcript": self._said}]
        await self._close("cancelled" if self._stop.is_set() else "completed")

    async def call(self, function: Call, due: float) -> None:
        await self._wait_until(due)
        if self._stop.is_set():
            await self._close("cancelled")
            return
        shown = {
            "type": "function_call",
            "name": function.name,
            "call_id": self.number.replace("resp", "call"),
            "arguments": "",
        }
        self.item = Item(self.number.replace("resp", "item"), shown)
        await self._open_item()
        self.turn.sent_at = time.monotonic()
        arguments = json.dumps(function.arguments)
        at = {**self._parts, "item_id": self.item.number, "call_id": shown["call_id"]}
        await self._send("response.function_call_arguments.delta", **at, delta=arguments)
        await self._send("response.function_call_arguments.done", **at, name=function.name, arguments=arguments)
        self.item.shown["arguments"] = arguments
        await self._close("completed")

    async def fail(self, error: Json) -> None:
        await self._close("failed", {"type": "failed", "error": error})

    async def _wait_until(self, due: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._stop.wait()

    async def _open_item(self) -> None:
        assert self.item is not None
        self.item.shown |= {"id": self.item.number, "object": "realtime.item", "status": "in_progress"}
        await self._send("response.output_item.added", **self._parts, item=self.item.shown)
        await self._add(self.item)

    async def _close(self, status: str, details: Json | None = None) -> None:
        if status == "cancelled":
            details = {"type": "cancelled", "reason": self._reason}
        if self.item is not None:
            self.item.shown["status"] = "completed" if status == "completed" else "incomplete"
            await self._send("conversation.item.done", item=self.item.shown)
            await self._send("response.output_item.done", **self._parts, item=self.item.shown)
        self.turn.status = status
        await self._send("response.done", response=self._shown(status, details))

    def _shown(self, status: str, details: Json | None = None) -> Json:
        shown = {**self._shell, "id": self.number, "object": "realtime.response", "status": status}
        output = [] if self.item is None else [self.item.shown]
        usage = None if status == "in_progress" else self._usage()
        return {**shown, "status_details": details, "output": output, "usage": usage}

    def _usage(self) -> Json:
        audio = self.item.audio_ms // 50 if self.item is not None and self.item.rate else 0
        text = len(self._said.split())
        none = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        heard = {**none, "text_tokens": 100, "audio_tokens": 10, "cached_tokens": 0, "cached_tokens_details": none}
        total = {"total_tokens": 110 + audio + text, "input_tokens": 110, "output_tokens": audio + text}
        details = {"text_tokens": text, "audio_tokens": audio}
        return {**total, "input_token_details": heard, "output_token_details": details}
