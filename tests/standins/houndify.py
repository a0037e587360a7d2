"""Stands in for Houndify's text and voice queries on 127.0.0.1.

It speaks as the vendor's own Python and Go SDKs expect: partial transcripts come back on the same connection while the
audio still goes up, each object in a chunk of its own, and the result ends the reply.
"""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import numpy as np
from aiohttp import ClientError, web
from standins.houndify_rules import (
    TAGS,
    WAV_HEADER_BYTES,
    Caller,
    Door,
    HttpRefusedError,
    StatusError,
    Upload,
    read_info,
    refuse_bad_info,
    refuse_bad_language,
    wav_rate,
)
from standins.houndify_stream import Query, Reply, Utterance
from standins.loop_thread import LoopStandin

Json = dict[str, Any]
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
NOTHING_SPOKEN = "Didn't get that!"
ISSUED = {"ConversationStateTime", "ConversationID"}


@dataclass(frozen=True)
class Answer:
    """What the brain says to a transcription; `state` comes back with the next one of the conversation."""

    spoken: str
    command_kind: str = "ClientMatchCommand"
    native: Json = field(default_factory=dict)
    state: Json = field(default_factory=dict)
    auto_listen: bool = False
    audio: bytes | None = None
    """A WAV file, sent to who asked for a voice."""
    spoken_long: str | None = None


Hear = Callable[[np.ndarray, int], str]
Think = Callable[[str, Json], Answer]
Serve = Callable[[web.Request, Upload, Query, Caller], Awaitable[web.StreamResponse]]


class Houndify(LoopStandin):
    """`clients` maps client ids to client keys; `hear` and `answer` are called in threads."""

    def __init__(
        self,
        clients: Mapping[str, str],
        hear: Hear,
        answer: Think,
        *,
        gzip: bool = True,
        old_format: bool = False,
        languages: Mapping[str, str] = TAGS,
        clock_slack_s: float = 300,
    ) -> None:
        super().__init__()
        self.hear, self.answer = hear, answer
        self.gzip, self.old_format, self.languages = gzip, old_format, languages
        self.final_format = "SoundHoundVoiceSearchResult"
        """The other one there is: HoundQueryResult."""
        self.loud_rms = 300
        self.quiet_ms = 600
        """After that much quiet the utterance is over."""
        self.partial_ms = 300
        self.hear_partials = False
        """Else partial transcripts are empty until the utterance is over."""
        self.fail_next: int | None = None
        self.retry_after_s = 1
        """What a 429 says."""
        self.cut_after_bytes: int | None = None
        """The next upload dies once so much of its body has come."""
        self.stall_s = 0.0
        """Between SafeToStopAudio and the result."""
        self.status: str | None = None
        """The status of every result instead of OK."""
        self.html_error = False
        self.truncated_json = False
        self.requests: list[Query] = []
        self._door = Door(clients, clock_slack_s)
        self._states: dict[str, Json] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serving(self) -> AbstractAsyncContextManager[int]:
        return self._serving()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_route("GET", "/v1/text", self._text)
        app.router.add_route("POST", "/v1/text", self._text)
        app.router.add_route("POST", "/v1/audio", self._audio)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _text(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "text", self._answer_text)

    async def _audio(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "voice", self._answer_voice)

    async def _serve(self, request: web.Request, kind: str, serve: Serve) -> web.StreamResponse:
        query = Query(kind, request.headers.copy())
        self.requests.append(query)
        upload = Upload(request.content)
        try:
            self._fail_if_told()
            caller = self._door.admit(request.headers)
            query.info = await read_info(request.headers, upload)
            query.status = 200
            response = await serve(request, upload, query, caller)
        except HttpRefusedError as refused:
            query.status, query.error = refused.status, refused.text
            response = web.Response(status=refused.status, text=refused.text)
            if refused.status == 429:
                response.headers["Retry-After"] = str(self.retry_after_s)
            if refused.status == 502:
                response.content_type = "text/html"
        except (ConnectionError, ClientError) as died:
            query.error = f"the line died: {died}"
            response = web.Response()
        finally:
            query.chunks = upload.chunks
            query.ended.set()
        return response

    def _fail_if_told(self) -> None:
        if self.html_error:
            raise HttpRefusedError(502, HTML)
        if (status := self.fail_next) is not None:
            self.fail_next = None
            raise HttpRefusedError(status, "told to fail")

    async def _answer_text(
        self, request: web.Request, upload: Upload, query: Query, caller: Caller
    ) -> web.StreamResponse:
        if await upload.piece():
            raise HttpRefusedError(400, "The body goes on after the request info")
        # Percent signs alone: the vendor takes a plus for a plus.
        asked = dict(pair.partition("=")[::2] for pair in request.raw_path.partition("?")[2].split("&"))
        query.transcription = unquote(asked.get("query", ""))
        if not query.transcription:
            raise HttpRefusedError(400, "No query")
        reply = Reply(self, query, request)
        try:
            self._refuse_bad(query, caller)
            await self._conclude(reply, caller, {})
        except StatusError as error:
            await reply.fail(str(error))
        return reply.response

    def _refuse_bad(self, query: Query, caller: Caller) -> None:
        refuse_bad_info(query.info, caller)
        refuse_bad_language(query.info, query.headers, self.languages)
        self._known_state(query.info, caller)

    async def _answer_voice(
        self, request: web.Request, upload: Upload, query: Query, caller: Caller
    ) -> web.StreamResponse:
        query.rate_hz = wav_rate(await upload.take(WAV_HEADER_BYTES))
        reply = Reply(self, query, request)
        try:
            self._refuse_bad(query, caller)
        except StatusError as error:
            await reply.fail(str(error))
            return reply.response
        vad = query.info.get("VoiceActivityDetection") or {}
        quiet_ms = 1000 * vad.get("MaxSilenceAfterFullQuerySeconds", self.quiet_ms / 1000)
        utterance = Utterance(query, self.loud_rms, quiet_ms)
        decides = query.info.get("ServerDeterminesEndOfAudio", True)
        result: asyncio.Task[None] | None = None
        odd = b""
        try:
            while piece := await upload.piece():
                if self.cut_after_bytes is not None and upload.read_bytes >= self.cut_after_bytes:
                    self.cut_after_bytes = None
                    assert request.transport is not None
                    request.transport.abort()
                    raise ConnectionAbortedError("told to cut")
                pcm = odd + piece
                odd = pcm[len(pcm) // 2 * 2 :]
                query.audio += pcm[: len(pcm) // 2 * 2]
                if result is not None:
                    query.late_ms += len(piece) / 2 / query.rate_hz * 1000
                    continue
                utterance.listen()
                if utterance.over and decides:
                    await reply.partial(utterance.text, safe=True)
                    result = asyncio.create_task(self._voice_result(reply, caller, len(query.audio)))
                elif query.audio_ms >= utterance.told_ms + self.partial_ms:
                    await self._partial(reply, utterance)
            if result is None:
                await reply.partial(utterance.text, safe=True)
                result = asyncio.create_task(self._voice_result(reply, caller, len(query.audio)))
            await result
        finally:
            if result is not None:
                result.cancel()
        return reply.response

    async def _partial(self, reply: Reply, utterance: Utterance) -> None:
        utterance.told_ms = reply.query.audio_ms
        if self.hear_partials and utterance.spoken:
            utterance.text = await asyncio.to_thread(self.hear, utterance.samples(), reply.query.rate_hz)
        await reply.partial(utterance.text)

    async def _voice_result(self, reply: Reply, caller: Caller, heard_bytes: int) -> None:
        query = reply.query
        samples = np.frombuffer(bytes(query.audio[:heard_bytes]), "<i2")
        started = time.monotonic()
        query.transcription = await asyncio.to_thread(self.hear, samples, query.rate_hz)
        await reply.partial(query.transcription, safe=True, done=True)
        speech = {"AudioLength": len(samples) / query.rate_hz, "RealSpeechTime": time.monotonic() - started}
        await self._conclude(reply, caller, {**speech, "CpuSpeechTime": speech["RealSpeechTime"]})

    async def _conclude(self, reply: Reply, caller: Caller, times: Json) -> None:
        query, started = reply.query, time.monotonic()
        state = self._known_state(query.info, caller)
        brain_state = {name: value for name, value in state.items() if name not in ISSUED}
        if query.transcription:
            answer = await asyncio.to_thread(self.answer, query.transcription, brain_state)
        else:
            answer = Answer(NOTHING_SPOKEN, "NoResultCommand", state=brain_state)
        await asyncio.sleep(self.stall_s)
        if self.status is not None:
            await reply.fail(f"told to fail with {self.status}", self.status)
            return
        times = {**times, "RealTime": time.monotonic() - started, "CpuTime": 0.001}
        await reply.finish(self._result(query, answer, self._issue(state, answer, caller), times))

    def _known_state(self, info: Json, caller: Caller) -> Json:
        state = info.get("ConversationState")
        if state is None:
            return {}
        if self._states.get(f"{caller.client_id} {state.get('ConversationID')} {state.get('turn')}") != state:
            raise StatusError("ConversationState was not issued by this server.")
        if info.get("ConversationStateTime", state["ConversationStateTime"]) != state["ConversationStateTime"]:
            raise StatusError("ConversationStateTime differs from that of ConversationState.")
        return dict(state)

    def _issue(self, before: Json, answer: Answer, caller: Caller) -> Json:
        number, turn = before.get("ConversationID", str(uuid.uuid4())), before.get("turn", 0) + 1
        issued = {"ConversationStateTime": int(time.time()), "ConversationID": number, "turn": turn}
        state: Json = json.loads(json.dumps({**answer.state, **issued}))
        self._states[f"{caller.client_id} {number} {turn}"] = state
        return state

    def _result(self, query: Query, answer: Answer, state: Json, times: Json) -> Json:
        long = answer.spoken_long or answer.spoken
        command: Json = {"CommandKind": answer.command_kind, "SpokenResponse": answer.spoken}
        command |= {"SpokenResponseLong": long, "WrittenResponse": answer.spoken, "WrittenResponseLong": long}
        command |= {"AutoListen": answer.auto_listen, "ConversationState": state, "ViewType": ["Native", "None"]}
        if answer.native:
            command["NativeData"] = answer.native
        if answer.audio is not None and {"ResponseAudioVoice", "ResponseAudioShortOrLong"} <= query.info.keys():
            command["ResponseAudioBytes"] = base64.b64encode(answer.audio).decode()
            command["ResponseAudioEncoding"] = "WAV"
        heard = {"Transcription": query.transcription, "ConfidenceScore": 0.9 if query.transcription else 0.0}
        heard |= {"FormattedTranscription": query.transcription, "FixedTranscription": ""}
        number = str(uuid.uuid4())
        return {
            "Format": self.final_format,
            "FormatVersion": "1.0",
            "Status": "OK",
            "NumToReturn": 1,
            "AllResults": [command],
            "Disambiguation": {"NumToShow": 1, "ChoiceData": [heard]},
            "ResultsAreFinal": [True],
            "DomainUsage": [],
            "BuildInfo": {"Kind": "Stand-in", "Variant": "release"},
            "QueryID": number,
            "ServerGeneratedId": number,
            **times,
        }
