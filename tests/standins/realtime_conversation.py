"""One session of the Realtime API: what the client sends, what is heard in it, and the responses to that."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from standins.realtime_audio import FORMATS, Format, SpeechDetector
from standins.realtime_items import Item, Items, Truncation
from standins.realtime_response import Call, Response, Speech, Turn
from standins.realtime_rules import RefusedError, audio_of, parse
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]
PCM = {"type": "audio/pcm", "rate": 24000}
SERVER_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
SERVER_VAD |= {"idle_timeout_ms": None, "create_response": True, "interrupt_response": True}
SEMANTIC_VAD = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}
DEFAULTS = {kind["type"]: kind for kind in (SERVER_VAD, SEMANTIC_VAD)}
WHOLE = {"format", "turn_detection", "voice", "transcription", "noise_reduction", "tools", "tool_choice"}
"""Settings that an update replaces rather than merges."""
MIN_COMMIT_MS = 100
SEMANTIC_MS = 500
"""The silence after which its semantic detector takes any sentence for whole."""
RATE_LIMITED = {"type": "invalid_request_error", "code": "rate_limit_exceeded", "message": "Rate limit reached."}


class Brain(Protocol):
    """What the server lends to a session."""

    greeting: Speech | None
    delay_ms: float
    pace: float
    transcribe: Callable[[np.ndarray], str]
    error_event: Json | None
    silent: bool
    rate_limit: bool
    events: list[Json]
    errors: list[Json]
    truncations: list[Truncation]

    def answer(self, turn: int, heard: np.ndarray) -> Speech | Call: ...


class Conversation:
    """`config` is the session object; `turns` tells when each answer began."""

    def __init__(self, server: Brain, socket: ServerConnection, model: str, number: int) -> None:
        self.turns: list[Turn] = []
        self.heard: list[np.ndarray] = []
        """What was committed, turn by turn."""
        self.config: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": f"sess_{number + 1}",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "Your knowledge cutoff is 2023-10.",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": int(time.time()) + 3600,
            "audio": {
                "input": {"format": PCM, "transcription": None, "noise_reduction": None, "turn_detection": SERVER_VAD},
                "output": {"format": PCM, "voice": "alloy", "speed": 1.0},
            },
            "include": None,
        }
        self._server, self._socket = server, socket
        self._items = Items(self._send, self._new_id, server.truncations)
        self._sent = self._answered = self._ids = 0
        self._speech_item = ""
        self._new = np.zeros(0, np.int16)
        self._ended_at: float | None = None
        self._response: Response | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._listen_anew()
        self._handlers = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_hand,
            "input_audio_buffer.clear": self._clear,
            "response.create": self._create,
            "response.cancel": self._cancel,
            "conversation.item.truncate": self._items.truncate,
            "conversation.item.create": self._items.create,
            "conversation.item.delete": self._items.delete,
            "conversation.item.retrieve": self._items.retrieve,
        }

    async def hold(self) -> None:
        await self._send("session.created", session=self.config)
        try:
            async for raw in self._socket:
                await self._take(raw)
        finally:
            if self._speaking is not None:
                self._speaking.cancel()

    async def _take(self, raw: str | bytes) -> None:
        event: Any = {}
        try:
            with contextlib.suppress(ValueError):
                event = json.loads(raw) if isinstance(raw, str) else {}
            self._record(event)
            event = parse(raw)
            await self._handlers[event["type"]](event)
        except RefusedError as refused:
            named = event.get("event_id") if isinstance(event, dict) else None
            error = {**refused.body, "event_id": named}
            self._server.errors.append(error)
            await self._send("error", error=error)

    def _record(self, event: Any) -> None:
        if isinstance(event, dict) and event.get("type") == "input_audio_buffer.append":
            size = len(str(event.get("audio", ""))) * 3 // 4
            event = {**{name: value for name, value in event.items() if name != "audio"}, "audio_bytes": size}
        self._server.events.append(event)

    async def _send(self, kind: str, **more: Any) -> None:
        self._sent += 1
        await self._socket.send(json.dumps({"type": kind, "event_id": f"event_{self._sent}", **more}))

    @property
    def input(self) -> Format:
        return FORMATS[self.config["audio"]["input"]["format"]["type"]]

    @property
    def output(self) -> Format:
        return FORMATS[self.config["audio"]["output"]["format"]["type"]]

    @property
    def _detection(self) -> Json | None:
        settings: Json | None = self.config["audio"]["input"]["turn_detection"]
        return settings and {**SERVER_VAD, "silence_duration_ms": SEMANTIC_MS, **settings}

    async def _update(self, event: Json) -> None:
        new, rate = event["session"], self.input.rate
        if new.get("model", self.config["model"]) != self.config["model"]:
            raise RefusedError("The model of a session cannot be changed.", param="session.model")
        updated = _merged(self.config, new)
        if updated["audio"]["output"]["voice"] != self.config["audio"]["output"]["voice"] and self._items.spoken:
            told = "Cannot update a conversation's voice if assistant audio is present."
            raise RefusedError(told, "cannot_update_voice")
        detection = updated["audio"]["input"]["turn_detection"]
        if detection is not None:
            updated["audio"]["input"]["turn_detection"] = {**DEFAULTS[detection["type"]], **detection}
        self.config = updated
        if self.input.rate != rate:
            self._listen_anew()
        await self._send("session.updated", session=self.config)

    def _listen_anew(self) -> None:
        self._detector, self._noted = SpeechDetector(self.input.rate), 0
        self._buffer, self._buffer_from = np.zeros(0, np.int16), 0

    async def _append(self, event: Json) -> None:
        arrived = asyncio.get_running_loop().time()
        samples = self.input.decode(audio_of(event, self.config["audio"]["input"]["format"]["type"]))
        self._buffer = np.concatenate([self._buffer, samples])
        detection = self._detection
        for found in self._detector.feed(samples, detection or SERVER_VAD):
            self._note_end(arrived)
            if detection is not None and found == "started":
                await self._speech_started(detection)
            elif detection is not None:
                await self._speech_stopped(detection)
        self._note_end(arrived)

    def _note_end(self, arrived: float) -> None:
        """The last loud sample was spoken as long before the end of what has just arrived as it lies before it."""
        detector = self._detector
        if detector.last_loud > self._noted:
            self._noted = detector.last_loud
            self._ended_at = arrived - (detector.total - detector.last_loud) / detector.rate

    async def _speech_started(self, detection: Json) -> None:
        self._speech_item = self._new_id()
        at = {"audio_start_ms": round(self.input.ms(self._detector.start)), "item_id": self._speech_item}
        await self._send("input_audio_buffer.speech_started", **at)
        if detection["interrupt_response"]:
            await self._stop("turn_detected")

    async def _speech_stopped(self, detection: Json) -> None:
        stop, start = self._detector.stop, self._detector.start
        at = {"audio_end_ms": round(self.input.ms(stop)), "item_id": self._speech_item}
        await self._send("input_audio_buffer.speech_stopped", **at)
        heard = self._buffer[max(0, start - self._buffer_from) : stop - self._buffer_from]
        self._buffer, self._buffer_from = self._buffer[stop - self._buffer_from :], stop
        await self._commit(self._speech_item, heard)
        if not detection["create_response"]:
            return
        if self._active():
            await self._send("error", error={**self._busy().body, "event_id": None})
            return
        await self._respond()

    async def _commit_by_hand(self, event: Json) -> None:
        if (ms := self.input.ms(len(self._buffer))) < MIN_COMMIT_MS:
            told = f"Expected at least 100ms of audio, but buffer only has {ms:.2f}ms of audio."
            told = f"Error committing input audio buffer: buffer too small. {told}"
            raise RefusedError(told, "input_audio_buffer_commit_empty")
        item = self._speech_item if self._detector.speaking else self._new_id()
        heard = self._buffer
        self._forget()
        await self._commit(item, heard)

    async def _clear(self, event: Json) -> None:
        self._forget()
        await self._send("input_audio_buffer.cleared")

    def _forget(self) -> None:
        self._buffer, self._buffer_from = np.zeros(0, np.int16), self._detector.total
        self._detector.forget()

    async def _commit(self, number: str, heard: np.ndarray) -> None:
        self.heard.append(heard)
        self._new = np.concatenate([self._new, heard])
        await self._send("input_audio_buffer.committed", item_id=number, previous_item_id=self._items.last)
        asked = self.config["audio"]["input"]["transcription"] is not None
        text = await asyncio.to_thread(self._server.transcribe, heard) if asked else None
        content = [{"type": "input_audio", "transcript": text}]
        await self._items.add_whole(Item(number, {"type": "message", "role": "user", "content": content}))
        if text is not None:
            kind, at = "conversation.item.input_audio_transcription", {"item_id": number, "content_index": 0}
            tokens = {"input_tokens": 10, "output_tokens": len(text.split())}
            usage = {"type": "tokens", "total_tokens": sum(tokens.values()), **tokens}
            await self._send(f"{kind}.delta", **at, delta=text)
            await self._send(f"{kind}.completed", **at, transcript=text, usage=usage)

    async def _create(self, event: Json) -> None:
        if self._active():
            raise self._busy()
        wanted = event.get("response") or {}
        if unknown := wanted.keys() - {"instructions", "metadata", "tools", "tool_choice", "max_output_tokens"}:
            raise RefusedError("This stand-in cannot override that.", param=f"response.{min(unknown)}")
        await self._respond(wanted.get("metadata"))

    async def _cancel(self, event: Json) -> None:
        if not self._active() or event.get("response_id") not in (None, self._response and self._response.number):
            raise RefusedError("Cancellation failed: no active response found", "response_cancel_not_active")
        await self._stop("client_cancelled")

    def _active(self) -> bool:
        return self._speaking is not None and not self._speaking.done()

    def _busy(self) -> RefusedError:
        assert self._response is not None
        told = f"Conversation already has an active response in progress: {self._response.number}."
        told += " Wait until the response is finished before creating a new one."
        return RefusedError(told, "conversation_already_has_active_response")

    async def _stop(self, reason: str) -> None:
        if self._response is not None and self._speaking is not None:
            self._response.stop(reason)
            await self._speaking

    async def _respond(self, metadata: Json | None = None) -> None:
        """To what was committed since the last response, or to nobody's words."""
        if self._server.silent:
            return
        if self._server.error_event is not None:
            base = {"type": "server_error", "code": None, "message": "told to fail", "param": None, "event_id": None}
            await self._send("error", error={**base, **self._server.error_event})
            return
        heard, self._new = self._new, np.zeros(0, np.int16)
        now = asyncio.get_running_loop().time()
        turn = Turn(self._ended_at if len(heard) and self._ended_at is not None else now, self._new_id("resp"))
        self.turns.append(turn)
        output = {"format": self.config["audio"]["output"]["format"], "voice": self.config["audio"]["output"]["voice"]}
        shell = {"conversation_id": f"conv_{self.config['id']}", "output_modalities": ["audio"], "metadata": metadata}
        shell |= {"max_output_tokens": self.config["max_output_tokens"], "audio": {"output": output}}
        self._response = Response(self._send, self._items.add, turn, shell)
        await self._response.open()
        self._speaking = asyncio.create_task(self._answer(self._response, heard))

    async def _answer(self, response: Response, heard: np.ndarray) -> None:
        server, due = self._server, response.turn.ended_at + self._server.delay_ms / 1000
        with contextlib.suppress(ConnectionClosed):
            if server.rate_limit:
                await response.fail(RATE_LIMITED)
            elif server.greeting is not None and not len(heard) and not self._answered and not self.heard:
                await response.speak(server.greeting, self.output, due, server.pace)
            else:
                self._answered += 1
                answer = await asyncio.to_thread(server.answer, self._answered - 1, heard)
                if isinstance(answer, Call):
                    await response.call(answer, due)
                else:
                    await response.speak(answer, self.output, due, server.pace)
            limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_999_000, "reset_seconds": 0.001}
            await self._send("rate_limits.updated", rate_limits=[limit])

    def _new_id(self, kind: str = "item") -> str:
        self._ids += 1
        return f"{kind}_{self.config['id']}_{self._ids}"


def _merged(old: Json, new: Json) -> Json:
    merged = dict(old)
    for name, value in new.items():
        merges = isinstance(value, dict) and isinstance(old.get(name), dict) and name not in WHOLE
        merged[name] = _merged(old[name], value) if merges else value
    return merged
