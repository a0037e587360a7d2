"""What a call of the Twilio stand-in goes through: dialling, ringing, TwiML, streams, recording."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from standins.twilio_agent import CallLeg
from standins.twilio_calls import API_VERSION, OK, Alert, Call, Callback, Cloud, Postman, Recording, Tunnel, sid, stamp
from standins.twilio_media import MediaStream, StreamNoun, TwimlError, stream_noun, verbs

ANSWERED_BY = {"Enable": "machine_start", "DetectMessageEnd": "machine_end_beep"}


class Progress:
    """Carries one call from `queued` to its end, on the stand-in's loop."""

    def __init__(self, cloud: Cloud, call: Call) -> None:
        self._cloud, self.call = cloud, call
        self._tunnel = Tunnel(cloud)
        self._postman = Postman(cloud, self._tunnel, call)
        self._ending = asyncio.Event()
        self._stream: MediaStream | None = None
        self._redirect: Callable[[], Any] | None = None
        self._leg = CallLeg(call.sid, call.to)

    def hang_up(self) -> None:
        """By REST."""
        self._ending.set()
        self._stop_stream()

    def redirect(self, params: Mapping[str, str]) -> None:
        """By REST, to other TwiML."""
        self._redirect = lambda: self._twiml(params)
        self._stop_stream()

    def _stop_stream(self) -> None:
        if self._stream is not None:
            self._stream.stop()

    async def run(self) -> None:
        posting = asyncio.create_task(self._postman.work())
        try:
            await self._live()
            self._postman.close()
            await posting
        finally:
            posting.cancel()
            self.call.over.set()
        if self.call.recording is not None:
            await self._keep(self.call.recording)

    async def _live(self) -> None:
        call = self.call
        call.started = datetime.now(UTC)
        self._enter("initiated", "initiated")
        outcome = self._cloud.outcome.get(call.to, "answer")
        if outcome not in {"failed", "busy"}:
            self._enter("ringing", "ringing")
        timeout = float(call.params.get("Timeout", 60))
        await self._wait(min(self._cloud.ring_s, timeout))
        if self._ending.is_set():
            self._end("canceled")
        elif outcome in {"failed", "busy"}:
            self._end(outcome)
        elif outcome == "no-answer" or self._cloud.ring_s >= timeout:
            self._end("no-answer")
        else:
            await self._in_progress(outcome)

    async def _in_progress(self, outcome: str) -> None:
        call, clock = self.call, asyncio.get_running_loop()
        call.answered = datetime.now(UTC)
        if call.params.get("Record") == "true":
            channels = 2 if call.params.get("RecordingChannels") == "dual" else 1
            call.recording = Recording(sid("RE"), channels, call.answered)
        limit = clock.call_later(float(call.params.get("TimeLimit", 14400)), self.hang_up)
        self._enter("in-progress", "answered")
        call.agent = self._cloud.make_agent(self._leg)
        detecting = asyncio.create_task(self._detect(outcome))
        try:
            if call.params.get("AsyncAmd") != "true":
                await detecting
            await self._obey()
        except TwimlError as error:
            self._alert(error.code, str(error))
        finally:
            detecting.cancel()
            limit.cancel()
            self._end("completed")

    async def _detect(self, outcome: str) -> None:
        params = self.call.params
        if "MachineDetection" not in params:
            return
        await self._wait(self._cloud.amd_s)
        if self._ending.is_set():
            return
        self.call.answered_by = ANSWERED_BY[params["MachineDetection"]] if outcome == "machine" else "human"
        if params.get("AsyncAmd") == "true":
            found = {"AnsweredBy": self.call.answered_by, "MachineDetectionDuration": f"{self._cloud.amd_s * 1000:.0f}"}
            self._postman.other("amd", params.get("AsyncAmdStatusCallback"), "POST", **found)

    async def _obey(self) -> None:
        self._redirect = self._redirect or (lambda: self._twiml(self.call.params))
        while self._redirect is not None and self._going:
            fetch, self._redirect = self._redirect, None
            for verb in verbs(await fetch()):
                if not self._going or self._redirect is not None:  # type: ignore[redundant-expr]  # it was awaited
                    break
                if not await self._execute(verb):
                    return

    @property
    def _going(self) -> bool:
        return not self._ending.is_set() and not self._leg.hung_up

    async def _execute(self, verb: Element) -> bool:
        if verb.tag == "Connect":
            await self._connect(stream_noun(verb))
        elif verb.tag == "Pause":
            end = asyncio.get_running_loop().time() + float(verb.get("length", 1))
            while self._going and self._redirect is None and asyncio.get_running_loop().time() < end:
                await self._wait(0.02)
        elif verb.tag != "Hangup":
            self._alert(12200, f"the stand-in passes over <{verb.tag}>")
        return verb.tag != "Hangup"

    async def _twiml(self, params: Mapping[str, str]) -> str:
        if "Twiml" in params:
            return params["Twiml"]
        found = {"AnsweredBy": self.call.answered_by} if self.call.answered_by else {}
        fetch = Callback("twiml", params["Url"], params.get("Method", "POST"), {**self._postman.about(), **found})
        await self._postman.deliver(fetch)
        return fetch.body.decode() if fetch.status in OK else "<Response/>"

    async def _connect(self, noun: StreamNoun) -> None:
        stream_sid = sid("MZ")
        name = {"StreamName": noun.name} if noun.name else {}

        def tell(event: str, **more: str) -> None:
            about = {"StreamSid": stream_sid, **name, "StreamEvent": event, "Timestamp": datetime.now(UTC).isoformat()}
            self._postman.other(event, noun.status_callback, noun.status_callback_method, **about, **more)

        def alert(code: int, message: str) -> None:
            self._alert(code, message)
            if code != 31951:
                tell("stream-error", StreamError=message)

        try:
            socket = await self._tunnel.open(noun.url)
        except TwimlError as error:
            alert(error.code, str(error))
            return
        assert self.call.agent is not None
        self.call.streams.append(stream_sid)
        ids = {"accountSid": self.call.account_sid, "callSid": self.call.sid, "streamSid": stream_sid}
        sent = StreamNoun(noun.url, {}) if self._cloud.omit_token else noun
        self._stream = MediaStream(socket, ids, sent, (self._leg, self.call.agent), self.call.tape, alert)
        if not self._going or self._redirect is not None:
            self._stream.stop()
        tell("stream-started")
        try:
            await self._stream.run(self._cloud.drop_socket_after_s or math.inf)
        finally:
            self._stream = None
            socket.transport.abort()
        tell("stream-stopped")

    async def _wait(self, seconds: float) -> None:
        """Or until the client ends the call."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)

    def _enter(self, status: str, event: str) -> None:
        self.call.status, self.call.updated = status, datetime.now(UTC)
        self._postman.status(event)

    def _end(self, status: str) -> None:
        self.call.ended = datetime.now(UTC)
        self._enter(status, "completed")

    def _alert(self, code: int, message: str) -> None:
        self._cloud.alerts.append(Alert(code, self.call.sid, message))

    async def _keep(self, recording: Recording) -> None:
        recording.status = "processing"
        await asyncio.sleep(self._cloud.recording_ready_after_s)
        recording.status = "completed"
        params = self.call.params
        where = f"https://api.twilio.com/{API_VERSION}/Accounts/{self.call.account_sid}/Recordings/{recording.sid}"
        about = {"RecordingSid": recording.sid, "RecordingUrl": where, "RecordingStatus": "completed"}
        about |= {"RecordingDuration": str(self.call.duration), "RecordingChannels": str(recording.channels)}
        about |= {"RecordingStartTime": str(stamp(recording.started)), "RecordingSource": "OutboundAPI"}
        method = params.get("RecordingStatusCallbackMethod", "POST")
        self._postman = Postman(self._cloud, self._tunnel, self.call)
        about["RecordingTrack"] = "both"
        self._postman.other("recording", params.get("RecordingStatusCallback"), method, **about)
        self._postman.close()
        await self._postman.work()
