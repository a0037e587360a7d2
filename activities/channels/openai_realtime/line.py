"""Channel `openai_realtime`: an agent behind any server that speaks OpenAI's Realtime protocol over WebSocket.

We do what a client of such a server does: send the caller's audio all the time, play what comes ahead of time in real
time, and when the server hears the caller talk into an answer, stop playing and say how much of it was heard.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from openai.resources.realtime.realtime import AsyncRealtimeConnection, AsyncRealtimeConnectionManager
from websockets.exceptions import ConnectionClosed

from activities.audio import g711
from activities.audio.pcm import Samples
from activities.audio.resample import StreamResampler
from activities.channels.event_queue import EventQueue
from activities.channels.incoming import Intake, Unfit, Unused, kept, read_message
from activities.channels.openai_realtime.events import Event, Kind, kind_of, named, parts, problem_of
from activities.channels.openai_realtime.sound import AgentSound
from activities.channels.outbox import PATIENCE_S, Outbox
from activities.errors import BadInputError, CallRefusedError, LineDiedError, LineError, StepError
from activities.ports.line import LineEvent
from voicewright.contracts.call import CallEventKind, StructuredAnswer
from voicewright.contracts.text import MAX_PASSAGE, cut
from voicewright.suite.format.agent import OpenAiRealtimeTarget

READY_S = 15.0
"""For the handshake, and for the session that follows it."""
_CLOSE_S = 5.0
MAX_MESSAGE = 1 << 24
"""Bytes of one event."""
_TOO_BIG = 1009
_QUOTED = 300
_REMEMBERED = 64
"""Functions whose names are known."""
_PCM_HZ = 24_000
_WIDEBAND_HZ = 16_000
_REFUSED_CODES = {3000, 4000, 4001, 4003}
"""Close codes after the handshake: key, model, permission."""


class OpenAiRealtimeLine:
    """One session. See `Line`, `LaysOut` and `KnowsWhyUnheard`."""

    def __init__(
        self,
        target: OpenAiRealtimeTarget,
        manager: AsyncRealtimeConnectionManager,
        connection: AsyncRealtimeConnection,
    ) -> None:
        self._events = EventQueue()
        self._unused = Unused()
        self._target = target
        self._manager = manager
        self._connection = connection
        self._outbox = Outbox(connection.send_raw, lambda _: None)  # whoever listens says what became of it
        self._mu_law = target.audio == "pcmu"
        self.rate_hz = g711.RATE_HZ if self._mu_law else _WIDEBAND_HZ
        self._out = StreamResampler(3, 2)
        self._sound = AgentSound(self.rate_hz, mu_law=self._mu_law)
        self._functions: dict[str, str] = {}
        self._text = ""
        self._understood = False
        self._strange: set[str] = set()
        self._updated = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._ended: str | None = None
        self._trouble: StepError | None = None

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._ended if self._sound.playback.empty else None

    async def start(self) -> None:
        """Agree on the audio, and have the agent greet where it should.

        Raises:
            CallRefusedError: the server does not take such a session.
            LineError: it does not answer.
        """
        self._listener = asyncio.create_task(self._listen())
        form: dict[str, Any] = {"type": "audio/pcmu"} if self._mu_law else {"type": "audio/pcm", "rate": _PCM_HZ}
        session: dict[str, Any] = {
            "type": "realtime",
            "audio": {"input": {"format": form}, "output": {"format": form}},
            **self._target.session,
        }
        for side in ("input", "output"):
            session["audio"] = {**session["audio"], side: {**session["audio"].get(side, {}), "format": form}}
        self._send({"type": "session.update", "session": session})
        waiting = asyncio.create_task(self._updated.wait())
        try:
            async with asyncio.timeout(READY_S):
                await asyncio.wait([waiting, self._listener], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise LineError(f"{self._target.shown} did not accept the session in time") from None
        finally:
            waiting.cancel()
        if self._trouble is not None:
            raise self._trouble
        if not self._updated.is_set():
            raise LineError(f"{self._target.shown} closed the session at once: {self._ended}")
        if self._target.greets:
            self._send({"type": "response.create"})

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        if self._trouble is not None:
            raise self._trouble
        wire = g711.encode(frame) if self._mu_law else self._out(frame).astype("<i2").tobytes()
        self._send({"type": "input_audio_buffer.append", "audio": base64.b64encode(wire).decode()})
        if self._trouble is not None:
            raise self._trouble
        return g711.decode(wire) if self._mu_law else frame

    def receive(self) -> Samples:
        """See `Line`."""
        return self._sound.playback.take()

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._sound.playback.laid_out(began_s, samples)

    def cuts(self, began_s: float) -> list[int]:
        """See `KnowsCuts`."""
        return self._sound.playback.cuts(began_s)

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._events.take()

    def unheard(self) -> str:
        """See `KnowsWhyUnheard`: what we do not understand is not the agent's silence."""
        if self._strange:
            raise self._not_understood()
        if Unfit.UNREADABLE in self._unused:
            raise BadInputError(f"{self._target.shown} sent {self._unused}")
        return str(self._unused)

    async def hang_up(self) -> None:
        """See `Line`."""
        self._ended = self._ended or "we hung up"
        await self._outbox.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._manager.__aexit__(None, None, None)
        except (TimeoutError, OSError, ConnectionClosed):
            pass  # it is over either way
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    def _send(self, event: dict[str, Any]) -> None:
        """Send an event, without waiting for the server to read it."""
        if self._ended is not None:
            return
        if self._outbox.stuck:
            stuck = LineDiedError(f"the server stopped reading: {PATIENCE_S:g} s of audio could not be sent")
            self._trouble = self._trouble or stuck
        self._outbox.put(json.dumps(event))

    async def _listen(self) -> None:
        intake = Intake()
        try:
            while True:
                raw = await self._connection.recv_bytes()
                await intake.admit(raw)
                try:
                    self._take(read_message(raw))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self._not_used(Unfit.UNREADABLE)
        except ConnectionClosed as error:
            self._closed(error)
        except Exception as error:  # noqa: BLE001
            self._trouble = self._trouble or LineDiedError(f"the connection to the server broke: {error!r}")

    def _closed(self, error: ConnectionClosed) -> None:
        closed = error.rcvd
        if error.sent is not None and error.sent.code == _TOO_BIG:
            self._ended = self._ended or f"the server sent a message of more than {MAX_MESSAGE >> 20} MB"
        elif closed is None:
            self._trouble = self._trouble or LineDiedError("the connection to the agent broke without a goodbye")
        elif closed.code in _REFUSED_CODES:
            self._trouble = CallRefusedError(
                f"{self._target.shown} refused the session ({closed.code} {closed.reason}): check model and api_key"
            )
        else:
            self._ended = self._ended or f"the agent closed the session (code {closed.code})"

    def _take(self, event: Event) -> None:
        kind = kind_of(event)
        if (act := self._acts.get(kind)) is not None:
            act(event)
        elif kind is Kind.STRANGE and len(self._strange) < _REMEMBERED:
            self._strange.add(str(event["type"])[:_QUOTED])

    @cached_property
    def _acts(self) -> Mapping[Kind, Callable[[Event], None]]:
        """What is done with each kind of event."""
        return {
            Kind.UPDATED: lambda _: self._updated.set(),
            Kind.BEGINS: lambda _: self._begins(),
            Kind.ITEM: lambda event: self._knows(event["item"]),
            Kind.AUDIO: self._play,
            Kind.AUDIO_DONE: lambda _: self._sound.complete(),
            Kind.CALLER_SPEAKS: lambda _: self._stop_playing(),
            Kind.TRANSCRIPT: lambda event: self._note(f"said: {event['transcript']}"),
            Kind.TEXT_PART: self._writes,
            Kind.TEXT: lambda event: self._answers(str(event.get("text") or self._text)),
            Kind.CALLS: self._call,
            Kind.DONE: lambda event: self._done(event["response"]),
            Kind.ERROR: lambda event: self._error(event["error"]),
        }

    def _begins(self) -> None:
        """A response begins."""
        self._text, self._understood = "", False
        self._strange.clear()

    def _writes(self, event: Event) -> None:
        self._text = (self._text + str(event["delta"]))[: 2 * MAX_PASSAGE]

    def _not_used(self, why: Unfit) -> None:
        if self._unused.add(why):
            self._note(f"not used: {why}")

    def _not_understood(self) -> BadInputError:
        kinds = ", ".join(sorted(self._strange)) or "none for its sound"
        return BadInputError(f"{self._target.shown} answered in events that this channel does not know ({kinds})")

    def _done(self, response: Event) -> None:
        """A response is finished: what of it came in no event of its own is taken from here."""
        self._sound.complete()
        if response.get("status") == "failed":
            self._trouble = LineDiedError(f"the server could not answer: {cut(problem_of(response), _QUOTED)}")
        if response.get("status", "completed") != "completed" or self._understood:
            self._strange.clear()
            return
        if self._text:
            self._answers(self._text)
            return
        missed = bool(self._strange)
        for part in parts(response):
            if part.function is not None:
                self._call(part.function)
            elif part.text:
                self._answers(part.text)
            missed = missed or part.sound
        if missed and not self._understood:
            self._trouble = self._trouble or self._not_understood()

    def _answers(self, text: str) -> None:
        """The agent answers in writing."""
        self._text, self._understood = "", True
        self._events.put(CallEventKind.ANSWER, text)

    def _error(self, error: Event) -> None:
        """Before the session stands, an error refuses it; later ones tell of a race that the conversation survives."""
        text = cut(named(error), _QUOTED)
        if not self._updated.is_set():
            self._trouble = CallRefusedError(f"{self._target.shown} refused the session: {text}")
            self._updated.set()
        elif error.get("type") in {"server_error", "rate_limit_error", "insufficient_quota"}:
            self._trouble = LineDiedError(f"the server failed: {text}")
        else:
            self._note(f"error {text}")

    def _play(self, event: Event) -> None:
        self._understood = True
        if not self._sound.add(event):
            self._not_used(Unfit.TOO_MUCH_AUDIO)

    def _stop_playing(self) -> None:
        """What was not heard of an answer was never said: the server is told how much that is."""
        if (cut_off := self._sound.stop()) is not None:
            item, heard_ms = cut_off
            self._send(
                {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": heard_ms}
            )

    def _knows(self, item: Event) -> None:
        """Remember a function's name: in the beta, the event with its arguments does not repeat it."""
        if item.get("type") == "function_call" and item.get("name"):
            self._functions[str(item.get("id"))] = str(item["name"])
            while len(self._functions) > _REMEMBERED:
                del self._functions[next(iter(self._functions))]

    def _call(self, event: Event) -> None:
        """A function that the agent wants called is what it understood: an intent with its values."""
        self._understood = True
        try:
            values = read_message(event.get("arguments") or "{}")
        except (ValueError, TypeError):
            values = {}
        name = event.get("name") or self._functions.get(str(event.get("item_id")))
        result, partial_result = kept(values)
        answer = StructuredAnswer(intent=None if name is None else str(name), result=result, partial=partial_result)
        if not self._events.put(CallEventKind.NOTE, f"calls {name}", answer=answer):
            self._unused.add(Unfit.TOO_MANY_EVENTS)

    def _note(self, text: str) -> None:
        self._events.put(CallEventKind.NOTE, text)
