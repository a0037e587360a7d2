"""Step 2: caller speech to a live conversation, recorded.

A call that was recorded is never dialled again: `call.json` is written last, and a later attempt that finds it returns
it. Every dialling is noted before it happens, so the record also says how many there were. An attempt that died with
its worker took its connection with it, so dialling again cannot make two calls at once on this channel.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from temporalio import activity

from activities.audio import read_wav, wav_bytes
from activities.errors import BadInputError
from activities.heartbeat import heartbeats
from activities.ports import Dialler, ObjectStore
from activities.suites import SuiteLibrary
from activities.telephony.conversation import Conversation, Held, PlannedTurn
from activities.telephony.timeline import measure
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.artifact import ArtifactRef
from voicewright.call import CallRecord, CallSummary, Pacing, Waveform
from voicewright.case import CaseRequest
from voicewright.report.waveform import outlines
from voicewright.steps import CallerSpeech, CallRequest
from voicewright.suite import Case


class CallStep:
    """Holds one conversation per activity. `diallers` maps a channel's name to how it is reached."""

    def __init__(
        self, store: ObjectStore, suites: SuiteLibrary, diallers: Mapping[str, Dialler], detectors: Detectors
    ) -> None:
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
            BadInputError: the agent refused us for good.
        """
        case = request.case
        recorded = await asyncio.to_thread(self._store.get_if_present, case.file("call.json"))
        if recorded is not None:
            ref = self._store.reference(case.file("call.json"), recorded, "application/json")
            return _summary(CallRecord.model_validate_json(recorded), ref)
        suite, script, agent = await self._suites.case(case)
        dialler = self._diallers.get(agent.channel)
        if dialler is None:
            raise BadInputError(f"this worker knows no channel {agent.channel!r}: it knows {', '.join(self._diallers)}")
        dials = await self._note_dial(case)
        phase = "dialling"
        conversation: Conversation | None = None

        def progress() -> str:
            return conversation.progress if conversation is not None else phase

        async with heartbeats(progress), AsyncExitStack() as borrowed:
            began_s = time.monotonic()
            line = await dialler.dial(agent, call_id=f"{case.workflow_id}#{dials}")
            meter = activity.metric_meter().with_additional_attributes({"channel": agent.channel})
            meter.create_histogram_float(
                "voicewright_call_setup_ms", "From dialling to an established line.", "ms"
            ).record(1000 * (time.monotonic() - began_s))
            try:
                loan = self._detectors.borrow(line.rate_hz)
                detector = await asyncio.to_thread(borrowed.enter_context, loan)
                conversation = Conversation(line, suite.limits, VoiceActivity(detector, line.rate_hz))
                plan = await asyncio.to_thread(self._plan, script, request.speech, line.rate_hz)
                held = await conversation.hold(plan)
            finally:
                await line.hang_up()
            record, ref = await asyncio.to_thread(self._record, case, agent.channel, held, dials)
        ttfa = meter.create_histogram("voicewright_ttfa_ms", "Time to first audio of each turn.", "ms")
        for timing in record.turns:
            if timing.ttfa_ms is not None and timing.ttfa_ms >= 0:
                ttfa.record(timing.ttfa_ms)
        meter.create_counter("voicewright_frames_lost", "Our frames that were not sent in time.").add(
            record.pacing.frames_lost
        )
        return _summary(record, ref)

    async def _note_dial(self, case: CaseRequest) -> int:
        """Write down that this case is about to be dialled; returns how often it was, this time included."""
        number = 1
        note = json.dumps({"attempt": activity.info().attempt}).encode()
        while True:
            key = case.file(f"dial-{number}.json")
            if await asyncio.to_thread(self._store.put_if_absent, key, note, "application/json") is not None:
                return number
            number += 1

    def _plan(self, case: Case, speech: CallerSpeech, rate_hz: int) -> list[PlannedTurn]:
        spoken = {
            utterance.turn: read_wav(self._store.get(utterance.audio.key))[0].at_rate(rate_hz).samples
            for utterance in speech.utterances
        }
        return [
            PlannedTurn(index=index, speech=spoken.get(index), judged=turn.expect is not None)
            for index, turn in enumerate(case.turns)
        ]

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
        )
        body = record.model_dump_json().encode()
        return record, self._store.put(case.file("call.json"), body, "application/json")


def _summary(record: CallRecord, ref: ArtifactRef) -> CallSummary:
    return CallSummary(
        record=ref,
        recording=record.recording,
        end=record.end,
        duration_ms=record.duration_ms,
        dials=record.dials,
        turns_held=len(record.turns),
    )
