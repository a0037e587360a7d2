"""Channel `openai_realtime`: an agent behind any server that speaks OpenAI's Realtime protocol over WebSocket.

We do what a client of such a server does: send the caller's audio all the time, play what comes ahead of time in real
time, and when the server hears the caller talk into an answer, stop playing and say how much of it was heard.
"""

import asyncio
import base64
import binascii
import json
import os
import time
from typing import Any

import numpy as np
import openai
from openai.resources.realtime.realtime import AsyncRealtimeConnection, AsyncRealtimeConnectionManager
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from activities.audio import Samples
from activities.errors import CallRefusedError, LineDiedError, LineError, RateLimitedError, StepError
from activities.ports import FRAME_MS, Line, LineEvent, LineEventKind
from activities.telephony import g711
from activities.telephony.line import PlainLine, Playback
from activities.telephony.resample import StreamResampler
from activities.telephony.secrets import fill_secrets
from voicewright.agent import AgentTarget, OpenAiRealtimeTarget

_READY_S = 15.0
_SEND_S = 5.0
_PCM_HZ = 24_000
_WIDEBAND_HZ = 16_000
_TOO_MANY = 429
_SERVER = 500
_REFUSED_CODES = {3000, 4000, 4001, 4003}
"""Close codes after the handshake: key, model, permission."""


class OpenAiRealtimeDialler:
    """Opens sessions."""

    redials = True

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, OpenAiRealtimeTarget)
        client = openai.AsyncOpenAI(
            api_key=fill_secrets(target.api_key, os.environ),
            websocket_base_url=target.url,
            max_retries=0,
            default_headers={name: fill_secrets(text, os.environ) for name, text in target.headers.items()},
        )
        manager = client.realtime.connect(
            model=target.model,
            websocket_connection_options={"open_timeout": _READY_S, "proxy": None},  # type: ignore[typeddict-unknown-key]
        )
        try:
            connection = await manager.__aenter__()
        except InvalidStatus as error:
            raise _refusal(target.shown, error.response.status_code) from None
        except (OSError, InvalidHandshake, TimeoutError, openai.OpenAIError) as error:
            reason = str(error) or "no answer in time"
            raise LineError(f"could not connect to {target.shown}: {reason}; is it running?") from None
        finally:
            await client.close()  # it made the connection; it holds nothing that the connection needs
        line = OpenAiRealtimeLine(target, manager, connection)
        try:
            await line.start()
        except BaseException:
            await line.hang_up()
            raise
        return line


def _refusal(where: str, status: int) -> StepError:
    message = f"{where} refused the session with HTTP {status}"
    if status == _TOO_MANY:
        return RateLimitedError(message, retry_after_s=5)
    return LineError(message) if status >= _SERVER else CallRefusedError(f"{message}: check url, model and api_key")


class OpenAiRealtimeLine(PlainLine):
    """One session. See `Line`."""

    def __init__(
        self,
        target: OpenAiRealtimeTarget,
        manager: AsyncRealtimeConnectionManager,
        connection: AsyncRealtimeConnection,
    ) -> None:
        super().__init__()
        self._target = target
        self._manager = manager
        self._connection = connection
        self._mu_law = target.audio == "pcmu"
        self.rate_hz = g711.RATE_HZ if self._mu_law else _WIDEBAND_HZ
        self._frame = self.rate_hz * FRAME_MS // 1000
        self._out, self._in = StreamResampler(3, 2), StreamResampler(2, 3)
        self._playback = Playback(self.rate_hz)
        self._item: str | None = None
        """The answer that is being played, and how many samples were played before it."""
        self._item_began = 0
        self._half = b""
        self._updated = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._ended: str | None = None
        self._trouble: StepError | None = None

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._ended if self._playback.empty else None

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
        await self._send({"type": "session.update", "session": session})
        waiting = asyncio.create_task(self._updated.wait())
        try:
            async with asyncio.timeout(_READY_S):
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
            await self._send({"type": "response.create"})

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        if self._trouble is not None:
            raise self._trouble
        wire = g711.encode(frame) if self._mu_law else self._out(frame).astype("<i2").tobytes()
        await self._send({"type": "input_audio_buffer.append", "audio": base64.b64encode(wire).decode()})
        if self._trouble is not None:
            raise self._trouble
        return g711.decode(wire) if self._mu_law else frame

    def receive(self) -> Samples:
        """See `Line`."""
        return self._playback.take()

    def heard(self, began_s: float, samples: int) -> Samples | None:
        """See `Line`."""
        return self._playback.laid_out(began_s, samples)

    async def hang_up(self) -> None:
        """See `Line`."""
        self._ended = self._ended or "we hung up"
        try:
            async with asyncio.timeout(_SEND_S):
                await self._manager.__aexit__(None, None, None)
        except (TimeoutError, OSError, ConnectionClosed):
            pass  # it is over either way
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _send(self, event: dict[str, Any]) -> None:
        if self._ended is not None:
            return
        try:
            async with asyncio.timeout(_SEND_S):
                await self._connection.send_raw(json.dumps(event))
        except TimeoutError:
            self._trouble = LineDiedError(f"the server stopped reading: {_SEND_S:g} s of audio could not be sent")
        except (openai.OpenAIError, ConnectionClosed, OSError):
            await asyncio.sleep(0)  # whoever listens on the same socket says what became of it

    async def _listen(self) -> None:
        try:
            while True:
                await self._take(json.loads(await self._connection.recv_bytes()))
        except ConnectionClosed as error:
            closed = error.rcvd
            if closed is None:
                self._trouble = self._trouble or LineDiedError("the connection to the agent broke without a goodbye")
            elif closed.code in _REFUSED_CODES:
                self._trouble = CallRefusedError(
                    f"{self._target.shown} refused the session ({closed.code} {closed.reason}): check model and api_key"
                )
            else:
                self._ended = self._ended or f"the agent closed the session (code {closed.code})"
        except Exception as error:  # noqa: BLE001 - whatever a server sends, the call must not look alive and be deaf
            self._trouble = self._trouble or LineDiedError(f"the server sent what cannot be read: {error!r}")

    async def _take(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "session.updated":
            self._updated.set()
        elif kind == "response.output_audio.delta":
            self._play(event)
        elif kind == "input_audio_buffer.speech_started":
            await self._stop_playing()
        elif kind == "response.output_audio_transcript.done":
            self._note(f"said: {event.get('transcript', '')}")
        elif kind == "response.function_call_arguments.done":
            self._call(event)
        elif kind == "response.done" and event.get("response", {}).get("status") == "failed":
            details = event["response"].get("status_details") or {}
            self._trouble = LineDiedError(f"the server could not answer: {details.get('error', details)}")
        elif kind == "error":
            self._error(event.get("error", {}))

    def _error(self, error: dict[str, Any]) -> None:
        """Before the session stands, an error refuses it; later ones tell of a race that the conversation survives."""
        text = f"{error.get('code') or error.get('type')}: {error.get('message', '')}"
        if not self._updated.is_set():
            self._trouble = CallRefusedError(f"{self._target.shown} refused the session: {text}")
            self._updated.set()
        elif error.get("type") in {"server_error", "rate_limit_error", "insufficient_quota"}:
            self._trouble = LineDiedError(f"the server failed: {text}")
        else:
            self._note(f"error {text}")

    def _play(self, event: dict[str, Any]) -> None:
        try:
            wire = base64.b64decode(event["delta"], validate=True)
        except (KeyError, ValueError, binascii.Error):
            return
        if self._mu_law:
            samples = g711.decode(wire)
        else:
            wire = self._half + wire
            whole = len(wire) // 2 * 2
            self._half = wire[whole:]
            samples = self._in(np.frombuffer(wire[:whole], "<i2").astype(np.int16))
        item = str(event.get("item_id"))
        self._playback.mark(lambda: self._plays(item))
        self._playback.put(time.monotonic(), samples)

    def _plays(self, item: str) -> None:
        if item != self._item:
            self._item, self._item_began = item, self._playback.taken

    async def _stop_playing(self) -> None:
        """The caller talks into an answer: what was not heard of it was never said."""
        if self._playback.empty:
            return
        self._playback.clear(time.monotonic())
        played_ms = (self._playback.taken - self._item_began) * 1000 // self.rate_hz
        await self._send(
            {
                "type": "conversation.item.truncate",
                "item_id": self._item,
                "content_index": 0,
                "audio_end_ms": played_ms,
            }
        )

    def _call(self, event: dict[str, Any]) -> None:
        """A function that the agent wants called is what it understood: an intent with its values."""
        try:
            values = json.loads(event.get("arguments") or "{}")
        except ValueError:
            values = {}
        data = {"intent": event.get("name"), "result": values, "understood": ""}
        self._events.append(LineEvent(LineEventKind.NOTE, f"calls {event.get('name')}", time.monotonic(), data))

    def _note(self, text: str) -> None:
        self._events.append(LineEvent(LineEventKind.NOTE, text, time.monotonic()))
