"""Step 2: caller speech to a live conversation, recorded.

A call that was recorded is never dialled again: `call.json` is written last, and a later attempt that finds it returns
it. Every dialling is noted before it happens, and what became of it after, so the record also says how many there were.
A call of unknown fate, whose worker died, is dialled again only where nobody's telephone rings by that: on channels
whose connection died with the worker.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from temporalio import activity

from activities.audio import Audio, read_wav, wav_bytes
from activities.errors import (
    BadInputError,
    CallLostError,
    InstallationError,
    LineDiedError,
    LineError,
    RateLimitedError,
)
from activities.heartbeat import heartbeats
from activities.ports import Dialler, LiveEars, MediaStats, ObjectStore
from activities.suites import SuiteLibrary
from activities.telephony.caller_profile import CallerProfile
from activities.telephony.conversation import Conversation, Held
from activities.telephony.script import plan
from activities.telephony.timeline import events, measure
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.artifact import ArtifactRef
from voicewright.call import CallRecord, CallSummary, Network, Pacing, Waveform
from voicewright.case import CaseRequest
from voicewright.report.waveform import outlines
from voicewright.steps import CallRequest

_JSON = "application/json"
_SPOKEN_HZ = 16_000
"""Rate of synthesized speech, and of all that is done to it before the line's own rate is known."""


class CallStep:
    """Holds one conversation per activity. `diallers` maps a channel's name to how it is reached."""

    def __init__(
        self,
        store: ObjectStore,
        suites: SuiteLibrary,
        diallers: Mapping[str, Dialler],
        detectors: Detectors,
        ears: Callable[[str], LiveEars] | None = None,
    ) -> None:
        self._ears = ears
        self._detectors = detectors
        self._store = store
        self._suites = suites
        self._diallers = diallers

    @activity.defn(name="call")
    async def call(self, request: CallRequest) -> CallSummary:
        """Dial, talk, record. Cancelling hangs up.

        Raises:
            LineError: the agent could not be reached.
            LineDiedError: the connection broke during the call.
            CallLostError: ... on a line where nobody is rung twice, or an earlier attempt's call is of unknown fate.
            BadInputError: the agent refused us for good.
        """
        case = request.case
        recorded = await asyncio.to_thread(self._store.get_if_present, case.file("call.json"))
        if recorded is not None:
            ref = self._store.reference(case.file("call.json"), recorded, "application/json")
            return _summary(CallRecord.model_validate_json(recorded), ref)
        suite, script_case, agent = await self._suites.case(case)
        dialler = self._diallers.get(agent.channel)
        if dialler is None:
            known = ", ".join(self._diallers)
            raise InstallationError(
                f"this worker cannot call by {agent.channel!r}: it can by {known}; docs/channels says what to set"
            )
        dials = await self._note_dial(case, dialler)
        phase = "dialling"
        conversation: Conversation | None = None

        def progress() -> str:
            return conversation.progress if conversation is not None else phase

        async with heartbeats(progress), AsyncExitStack() as borrowed:
            caller = CallerProfile(suite.profile(case.key.profile), _SPOKEN_HZ, str(case.key))
            # All that takes time comes before: what an agent says while we get ready would be lost.
            spoken = await asyncio.to_thread(self._speech, request, caller)
            began_s = time.monotonic()
            try:
                line = await dialler.dial(
                    agent,
                    call_id=f"{case.workflow_id}#{dials}",
                    caller_id=request.caller_id,
                    language=case.key.language,
                )
            except (LineError, BadInputError, InstallationError, RateLimitedError) as error:
                await self._note_outcome(case, dials, str(error))
                raise
            meter = activity.metric_meter().with_additional_attributes({"channel": agent.channel})
            meter.create_histogram_float(
                "voicewright_call_setup_ms", "From dialling to an established line.", "ms"
            ).record(1000 * (time.monotonic() - began_s))
            try:
                loan = self._detectors.borrow(line.rate_hz)
                detector = await asyncio.to_thread(borrowed.enter_context, loan)
                speech = {turn: audio.at_rate(line.rate_hz).samples for turn, audio in spoken.items()}
                script = plan(script_case, speech, case.key.language)
                backdrop = await asyncio.to_thread(caller.backdrop, list(speech.values()), self._store, line.rate_hz)
                ears = self._ears(case.key.language) if self._ears is not None else None
                conversation = Conversation(
                    caller.line(line), suite.limits, VoiceActivity(detector, line.rate_hz), ears, backdrop
                )
                held = await conversation.hold(script)
            except LineDiedError as error:
                if dialler.redials:
                    raise
                raise CallLostError(f"{error.message}; nobody is called twice for one case") from None
            finally:
                await line.hang_up()
            record, ref = await asyncio.to_thread(self._record, case, agent.channel, held, dials)
            phase = "fetching the channel's own recording"
            conversation = None
            for name, body in (await line.recordings()).items():
                await asyncio.to_thread(self._store.put, case.file(name), body, "audio/wav")
        ttfa = meter.create_histogram("voicewright_ttfa_ms", "Time to first audio of each turn.", "ms")
        for timing in record.turns:
            if timing.ttfa_ms is not None and timing.ttfa_ms >= 0:
                ttfa.record(timing.ttfa_ms)
        meter.create_counter("voicewright_frames_lost", "Our frames that were not sent in time.").add(
            record.pacing.frames_lost
        )
        return _summary(record, ref)

    async def _note_dial(self, case: CaseRequest, dialler: Dialler) -> int:
        """Write down that this case is about to be dialled; returns how often it was, this time included."""
        number = 1
        note = json.dumps({"attempt": activity.info().attempt}).encode()
        while True:
            key = case.file(f"dial-{number}.json")
            earlier = await asyncio.to_thread(self._store.get_if_present, key)
            if earlier is None and await asyncio.to_thread(self._store.put_if_absent, key, note, _JSON) is not None:
                return number
            if earlier is not None and not dialler.redials and "outcome" not in json.loads(earlier):
                raise CallLostError(
                    "an earlier attempt dialled and was not heard of again: its worker died in the call; "
                    "nobody is called twice for one case"
                )
            number += 1

    async def _note_outcome(self, case: CaseRequest, number: int, outcome: str) -> None:
        """Write down that a dialling led to no call, so that dialling again rings nobody twice."""
        note = json.dumps({"attempt": activity.info().attempt, "outcome": outcome}).encode()
        await asyncio.to_thread(self._store.put, case.file(f"dial-{number}.json"), note, _JSON)

    def _speech(self, request: CallRequest, caller: CallerProfile) -> dict[int, Audio]:
        """The caller's words by turn, as this caller's telephone sends them."""
        return {
            utterance.turn: Audio(
                caller.sound(read_wav(self._store.get(utterance.audio.key))[0].at_rate(_SPOKEN_HZ).samples), _SPOKEN_HZ
            )
            for utterance in request.speech.utterances
        }

    def _record(self, case: CaseRequest, channel: str, held: Held, dials: int) -> tuple[CallRecord, ArtifactRef]:
        wav = wav_bytes([held.caller, held.agent], held.rate_hz)
        recording = self._store.put(case.file("recording.wav"), wav, "audio/wav")
        timings, speech = measure(held)
        caller_wave, agent_wave = outlines(wav)
        p50, p99, worst = (round(value, 2) for value in held.lateness_ms)
        record = CallRecord(
            channel=channel,
            end=held.end,
            end_detail=held.end_detail,
            recording=recording,
            sample_rate_hz=held.rate_hz,
            duration_ms=round(len(held.caller) * 1000 / held.rate_hz),
            dials=dials,
            turns=timings,
            speech=speech,
            pacing=Pacing(
                frames=held.frames,
                frames_lost=held.frames_lost,
                late_p50_ms=p50,
                late_p99_ms=p99,
                late_max_ms=worst,
            ),
            waveform=Waveform(caller=caller_wave, agent=agent_wave),
            events=events(held),
            network=_network(held.stats),
        )
        body = record.model_dump_json().encode()
        return record, self._store.put(case.file("call.json"), body, "application/json")


def _network(stats: MediaStats | None) -> Network | None:
    if stats is None:
        return None
    return Network(
        codec=stats.codec, packets=stats.received, packets_lost=stats.lost, jitter_ms=round(stats.jitter_ms, 1)
    )


def _summary(record: CallRecord, ref: ArtifactRef) -> CallSummary:
    return CallSummary(
        record=ref,
        recording=record.recording,
        end=record.end,
        duration_ms=record.duration_ms,
        dials=record.dials,
        turns_held=len(record.turns),
    )
