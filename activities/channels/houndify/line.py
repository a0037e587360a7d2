"""Channel `houndify`: Houndify's voice queries, one for each turn of the caller, and its text queries for a fast run.

Houndify is no telephone line: a query begins when the caller begins to speak, goes up while they speak, and is answered
while it still goes up. Its answer comes in writing, and as sound where a voice is asked for. Both are put on the
recording's clock when they come, so the same conversation, timeline and verdicts hold.
"""

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import numpy as np
from yarl import URL

from activities.audio.pcm import FRAME_MS, Audio, Samples, read_wav
from activities.audio.playback import Playback
from activities.channels.event_queue import EventQueue
from activities.channels.houndify.wire import (
    Client,
    JsonStream,
    Question,
    Reply,
    TooMuchError,
    wav_header,
)
from activities.channels.incoming import kept
from activities.channels.secrets import fill_secrets
from activities.errors import (
    BadInputError,
    CallRefusedError,
    LineDiedError,
    LineError,
    RateLimitedError,
    StepError,
)
from activities.ports.line import Line, LineEvent
from activities.retry_after import retry_after_s
from voicewright.contracts.call import CallEventKind, StructuredAnswer
from voicewright.contracts.text import clean, cut
from voicewright.suite.format.agent import AgentTarget, HoundifyTarget

RATE_HZ = 16_000
_FRAME = RATE_HZ * FRAME_MS // 1000
_LONGEST_S = 180.0
_CONNECT_S = 10.0
_QUOTED = 300
_REFUSED = {400, 401, 403, 404}
_TOO_MANY = 429


class HoundifyDialler:
    """Opens conversations; nothing is sent before the caller speaks."""

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, HoundifyTarget)
        client = Client(
            fill_secrets(target.client_id, os.environ, (target.url,)),
            fill_secrets(target.client_key, os.environ, (target.url,)),
            target.user_id or f"voicewright-{hashlib.sha256(call_id.encode()).hexdigest()[:12]}",
        )
        client.headers("check", time.time())
        return HoundifyLine(target, client, language)


class HoundifyLine:
    """One conversation. See `Line`, `TakesTurns` and `LaysOut`."""

    rate_hz = RATE_HZ
    hung_up: str | None = None

    def __init__(self, target: HoundifyTarget, client: Client, language: str) -> None:
        self._events = EventQueue()
        self.takes_text = target.mode == "text"
        self._target = target
        self._client = client
        self._language = language
        self._session = aiohttp.ClientSession(
            base_url=target.url.rstrip("/") + "/",
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            headers={"Accept-Encoding": "gzip"},
        )
        self._state: object = None
        self._upload: asyncio.Queue[bytes | None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._trouble: StepError | None = None
        self._answered = False
        self._playback = Playback(RATE_HZ)
        self._to_play: Samples = np.empty(0, np.int16)
        self._silence: Samples = np.zeros(_FRAME, np.int16)

    async def turn_begins(self, text: str | None) -> None:
        """See `TakesTurns`: a query begins."""
        await self._stop_asking()
        self._to_play = self._to_play[:0]  # who talks into an answer stops it
        self._playback.clear(time.monotonic())
        if self.takes_text:
            self._asking = asyncio.create_task(self._guarded(self._ask_in_writing(text or "")))
            return
        self._upload = asyncio.Queue()
        self._upload.put_nowait(wav_header(RATE_HZ))
        self._asking = asyncio.create_task(self._guarded(self._ask_aloud(self._upload)))

    async def send(self, frame: Samples) -> Samples:
        """See `Line`. Silence goes up as well until Houndify says that it has heard enough."""
        if self._trouble is not None:
            raise self._trouble
        if self._upload is not None:
            self._upload.put_nowait(frame.astype("<i2").tobytes())
        return frame

    def receive(self) -> Samples:
        """See `Line`."""
        head, self._to_play = self._to_play[:_FRAME], self._to_play[_FRAME:]
        return head if len(head) == _FRAME else np.concatenate([head, self._silence[len(head) :]])

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._playback.laid_out(began_s, samples)

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._events.take()

    async def hang_up(self) -> None:
        """See `Line`."""
        await self._stop_asking()
        await self._session.close()

    async def _stop_asking(self) -> None:
        self._upload = None
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
            self._asking = None

    async def _guarded(self, asking: Any) -> None:  # noqa: ANN401 - a coroutine
        """Ask; what goes wrong is told by the next frame."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                await asking
        except StepError as error:
            self._trouble = error
        except TimeoutError:
            self._trouble = LineDiedError("Houndify did not answer in time")
        except (aiohttp.ClientError, OSError) as error:
            where = self._target.shown
            kind = LineDiedError if self._answered else LineError
            self._trouble = kind(f"the connection to Houndify at {where} broke: {str(error) or type(error).__name__}")
        except Exception as error:  # noqa: BLE001
            self._trouble = LineDiedError(f"Houndify's answer cannot be read: {error!r}")
        finally:
            self._upload = None

    def _question(self) -> Question:
        more: dict[str, Any] = dict(self._target.request_info)
        if self._target.voice is not None:
            more |= {"ResponseAudioVoice": self._target.voice, "ResponseAudioShortOrLong": "Long"}
        return Question.ask(self._client, state=self._state, language=self._language, more=more)

    async def _ask_in_writing(self, text: str) -> None:
        question = self._question()
        url = URL(f"v1/text?query={quote(text, safe='')}", encoded=True)  # a plus is read as one, not as a space
        async with self._session.get(url, headers=question.headers, allow_redirects=False) as answer:
            await self._read(answer, Reply())

    async def _ask_aloud(self, upload: "asyncio.Queue[bytes | None]") -> None:
        question = self._question()
        reply = Reply()

        async def sound() -> AsyncIterator[bytes]:
            while not reply.safe_to_stop:
                part = await upload.get()
                if part is None:
                    return
                yield part

        asked = self._session.post("v1/audio", data=sound(), headers=question.headers, allow_redirects=False)
        async with asked as answer:
            await self._read(answer, reply, upload)

    async def _read(
        self, answer: aiohttp.ClientResponse, reply: Reply, upload: "asyncio.Queue[bytes | None] | None" = None
    ) -> None:
        if answer.status != 200:  # noqa: PLR2004 - HTTP
            raise _refusal(answer, (await answer.content.read(_QUOTED)).decode(errors="replace"), self._target.shown)
        stream = JsonStream()
        try:
            async for data in answer.content.iter_any():
                for message in stream.feed(data):
                    reply.take(message)
                await asyncio.sleep(0)  # between the parts of a long answer, other calls have their turn
                if reply.safe_to_stop and upload is not None:
                    self._upload = None
                    upload.put_nowait(None)
        except TooMuchError:
            self.hung_up = "Houndify's answer had no end"
            return
        except ValueError as error:
            raise LineDiedError(f"Houndify's answer cannot be read: {error}") from None
        if stream.left:
            raise LineDiedError("Houndify's answer was cut off in the middle")
        if (problem := reply.problem) is not None:
            raise BadInputError(f"Houndify could not answer: {cut(clean(problem), _QUOTED)}")
        self._take(reply)

    def _take(self, reply: Reply) -> None:
        """An answer: its words, its sound where there is any, and the state for the next question."""
        assert reply.result is not None
        now = time.monotonic()
        result = dict(reply.result)
        self._answered = True
        self._state = result.get("ConversationState")
        sound = result.pop("ResponseAudioBytes", None)
        if isinstance(sound, str) and sound:
            try:
                samples = _samples(base64.b64decode(sound, validate=True))
            except (BadInputError, ValueError):
                raise LineDiedError("Houndify's sound is no 16-bit WAV file: leave out the target's `voice`") from None
            self._playback.put(now, samples)
            self._to_play = samples
        words = str(result.get("SpokenResponseLong") or result.get("SpokenResponse") or "")
        kind = result.get("CommandKind")
        values, partial = kept(result)
        answer = StructuredAnswer(
            intent=None if kind is None else str(kind), result=values, partial=partial, understood=reply.transcription
        )
        self._events.put(CallEventKind.ANSWER, words, at_s=now, answer=answer)


def _samples(wav: bytes) -> Samples:
    """The sound of an answer, no longer than a query may take.

    Raises:
        BadInputError: it is no WAV file that can be read.
    """
    audio = read_wav(wav)[0]
    return Audio(audio.samples[: round(_LONGEST_S * audio.rate_hz)], audio.rate_hz).at_rate(RATE_HZ).samples


def _refusal(answer: aiohttp.ClientResponse, body: str, where: str) -> StepError:
    said = f"Houndify at {where} answered HTTP {answer.status}: {' '.join(body.split())[:120]}"
    if answer.status == _TOO_MANY:
        return RateLimitedError(said, retry_after_s=retry_after_s(answer.headers))
    if answer.status in _REFUSED:
        return CallRefusedError(f"{said}; check client_id, client_key and the machine's clock")
    return LineError(said)
