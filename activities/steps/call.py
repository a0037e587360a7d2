"""Step 2: caller speech to a live conversation, recorded.

A call that was recorded is never dialled again: `call.json` is written last, and a later attempt that finds it returns
it. The store is waited for, before a call and after it (`activities/call/host/storing.py`). Every dialling is noted
before it happens, and what became of it after, so the record also says how many there were. A call of unknown fate,
whose worker died, is dialled again only where nobody's telephone rings by that: on channels whose connection died with
it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from temporalio import activity
from temporalio.common import MetricMeter

from activities.audio.pcm import Samples
from activities.audio.voice_activity import Detectors, VoiceActivity
from activities.call.conversation import Conversation
from activities.call.held import Held
from activities.call.host.aside import Elsewhere
from activities.call.host.headroom import Headroom
from activities.call.host.machine import Waits, watched
from activities.call.host.storing import PATIENCE_S, HeldCalls, Patience
from activities.call.left_behind import LeftBehind, left_behind
from activities.call.profile import CallerProfile, as_spoken
from activities.call.script import plan
from activities.errors import (
    BadInputError,
    CallLostError,
    InstallationError,
    LineDiedError,
    LineError,
    RateLimitedError,
)
from activities.heartbeat import heartbeats
from activities.phone_lines import PhoneLines
from activities.ports.line import Abilities, Dialler, Line, LiveEars, MediaStats
from activities.suites import SuiteLibrary
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallRecord, CallSummary, Network, Pacing, TurnTiming
from voicewright.contracts.case import CaseRequest
from voicewright.contracts.steps import CallRequest
from voicewright.report.latency import answer_times
from voicewright.store.keys import case_file
from voicewright.store.port import ObjectStore

_JSON = "application/json"
_RECORD = "call.json"
_SPOKEN_HZ = 16_000
"""Rate of synthesized speech, and of all that is done to it before the line's own rate is known."""
_LINE_RATES_HZ = (8000, 16_000)
"""Of all channels. Which one a call has is known once it is up, when there is no time any more."""


class _Progress:
    """What a call's heartbeats say: where it is in the conversation, or what goes on besides."""

    def __init__(self) -> None:
        self.phase = "getting ready"
        self.conversation: Conversation | None = None

    def __call__(self) -> str:
        return self.conversation.progress if self.conversation is not None else self.phase


class CallStep:
    """Holds one conversation per activity.

    Args:
        store: where calls are kept.
        suites: where they are defined.
        diallers: how a channel is reached, by its name.
        detectors: of speech.
        ears: what understands an agent during a call, by language.
        lines: of the account that all runs share.
        keep_in: the folder for recordings that are not stored yet.
        headroom: told how late frames are sent.
        aside: where what takes long is computed.
        patience_s: how long one try waits for the store before a call, and again after it.
    """

    def __init__(
        self,
        store: ObjectStore,
        suites: SuiteLibrary,
        diallers: Mapping[str, Dialler],
        detectors: Detectors,
        ears: Callable[[str], LiveEars] | None = None,
        lines: PhoneLines | None = None,
        *,
        keep_in: Path,
        headroom: Headroom | None = None,
        aside: Elsewhere = asyncio.to_thread,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._held = HeldCalls(store, keep_in)
        self._patience_s = patience_s
        self._headroom = headroom
        self._aside = aside
        self._lines = lines
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
            LineTakenError: the reserved line of a shared account is somebody else's now.
            CallLostError: ... on a line where nobody is rung twice, or an earlier attempt's call is of unknown fate.
            BadInputError: the agent refused us for good.
        """
        progress = _Progress()
        async with heartbeats(progress):
            patience = Patience(self._patience_s)
            earlier = await self._earlier(request.case, patience)
            return earlier if earlier is not None else await self._call(request, progress, patience)

    async def _earlier(self, case: CaseRequest, patience: Patience) -> CallSummary | None:
        """The call that an earlier attempt held; stored now, where it only lies on this worker's disk."""
        stored = await patience.ask(lambda: self._store.get_if_present(case_file(case, _RECORD)))
        if stored is not None:
            ref = self._store.reference(case_file(case, _RECORD), stored, _JSON)
            return _summary(CallRecord.model_validate_json(stored), ref)
        kept = await asyncio.to_thread(self._held.kept, case)
        return _summary(kept[0], await self._deliver(case, *kept)) if kept is not None else None

    async def _call(self, request: CallRequest, progress: _Progress, patience: Patience) -> CallSummary:
        case = request.case
        suite, script_case, agent = await patience.wait(lambda: self._suites.case(case))
        dialler = self._diallers.get(agent.channel)
        if dialler is None:
            known = ", ".join(self._diallers)
            raise InstallationError(
                f"this worker cannot call by {agent.channel!r}: it can by {known}; docs/channels says what to set"
            )
        again = agent.capabilities.dials_again
        progress.phase = "dialling"
        async with AsyncExitStack() as borrowed:
            if case.on_account and self._lines is not None:
                await borrowed.enter_async_context(self._lines.kept(case.workflow_id, request.caller_id))
            caller = CallerProfile(suite.profile(case.key.profile), _SPOKEN_HZ, str(case.key))
            # All that takes time comes before: what an agent says while we get ready would be lost.
            spoken = await self._speech(request, caller, patience)
            dials = await self._note_dial(case, patience, again=again)
            began_s, began_at = time.monotonic(), datetime.now().astimezone()
            try:
                line = await dialler.dial(
                    agent,
                    call_id=f"{case.workflow_id}#{dials}",
                    caller_id=request.caller_id,
                    language=case.key.language,
                )
            except (LineError, BadInputError, InstallationError, RateLimitedError) as error:
                await self._note_outcome(case, patience, dials, str(error))
                raise
            meter = activity.metric_meter().with_additional_attributes({"channel": agent.channel})
            _established(meter, 1000 * (time.monotonic() - began_s))
            try:
                loan = self._detectors.borrow(line.rate_hz)
                detector = await asyncio.to_thread(borrowed.enter_context, loan)
                speech = spoken[line.rate_hz]
                script = plan(script_case, speech)
                backdrop = await asyncio.to_thread(caller.backdrop, list(speech.values()), self._store, line.rate_hz)
                ears = self._ears(case.key.language) if self._ears is not None else None
                hears = VoiceActivity(detector, line.rate_hz)
                conversation = Conversation(
                    line, suite.limits, hears, ears, backdrop, caller.outbound(line), self._headroom
                )
                progress.conversation = conversation
                async with watched(agent.shown) as waits:
                    held = await conversation.hold(script)
            except LineDiedError as error:
                if again:
                    raise
                raise CallLostError(f"{error.message}; nobody is called twice for one case") from None
            finally:
                await line.hang_up()
        progress.conversation, progress.phase = None, "storing"
        left = await self._aside(left_behind, held)
        record = await asyncio.to_thread(self._record, case, held, left, agent.channel, dials, began_at)
        record = _with_waits(record, waits, conversation.began_s)
        ref = await self._deliver(case, record, left.wav)
        progress.phase = "fetching the channel's own recording"
        await self._fetch_recordings(case, line)
        _count(meter, record)
        return _summary(record, ref)

    async def _deliver(self, case: CaseRequest, record: CallRecord, wav: bytes) -> ArtifactRef:
        """Store what was held; see `HeldCalls.deliver`."""
        try:
            return await self._held.deliver(case, record, wav, Patience(self._patience_s))
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is not None and details.cancel_requested:  # nobody will come back for it
                self._held.drop(case)
            raise

    async def _fetch_recordings(self, case: CaseRequest, line: Line) -> None:
        recorder = Abilities.of(line).recorder
        for name, body in (await recorder.recordings() if recorder is not None else {}).items():
            await asyncio.to_thread(self._store.put, case_file(case, name), body, "audio/wav")

    async def _note_dial(self, case: CaseRequest, patience: Patience, *, again: bool) -> int:
        """Write down that this case is about to be dialled; returns how often it was, this time included."""
        number = 1
        # Its id tells our own note, whose answer got lost, from another attempt's.
        note = json.dumps({"attempt": activity.info().attempt, "id": uuid4().hex}).encode()
        while True:
            key = case_file(case, f"dial-{number}.json")
            earlier = await patience.ask(partial(self._store.get_if_present, key))
            if earlier is None:
                put = partial(self._store.put_if_absent, key, note, _JSON)
                if await patience.ask(put) is not None:
                    return number
                earlier = await patience.ask(partial(self._store.get_if_present, key))
            if earlier == note:
                return number
            if earlier is not None and not again and "outcome" not in json.loads(earlier):
                raise CallLostError(
                    "an earlier attempt dialled and was not heard of again: its worker died in the call; "
                    "nobody is called twice for one case"
                )
            number += 1

    async def _note_outcome(self, case: CaseRequest, patience: Patience, number: int, outcome: str) -> None:
        """Write down that a dialling led to no call, so that dialling again rings nobody twice."""
        note = json.dumps({"attempt": activity.info().attempt, "outcome": outcome}).encode()
        await patience.ask(lambda: self._store.put(case_file(case, f"dial-{number}.json"), note, _JSON))

    async def _speech(
        self, request: CallRequest, caller: CallerProfile, patience: Patience
    ) -> dict[int, dict[int, Samples]]:
        """The caller's words by the rate of the line and by turn, as this caller's telephone sends them."""
        said = request.speech.utterances
        wavs = await patience.ask(lambda: {one.turn: self._store.get(one.audio.key) for one in said})
        return await self._aside(as_spoken, wavs, caller, _SPOKEN_HZ, _LINE_RATES_HZ)

    def _record(
        self, case: CaseRequest, held: Held, left: LeftBehind, channel: str, dials: int, began_at: datetime
    ) -> CallRecord:
        recording = self._store.reference(case_file(case, "recording.wav"), left.wav, "audio/wav")
        p50, p99, worst = (round(value, 2) for value in held.lateness_ms)
        return CallRecord(
            channel=channel,
            end=held.end,
            end_detail=held.end_detail,
            recording=recording,
            sample_rate_hz=held.rate_hz,
            duration_ms=round(len(held.caller) * 1000 / held.rate_hz),
            started_at=began_at.isoformat(timespec="milliseconds"),
            dials=dials,
            turns=left.timings,
            speech=left.speech,
            pacing=Pacing(
                frames=held.frames,
                frames_lost=held.frames_lost,
                late_p50_ms=p50,
                late_p99_ms=p99,
                late_max_ms=worst,
            ),
            waveform=left.waveform,
            events=left.events,
            network=_network(held.stats),
        )


def _established(meter: MetricMeter, took_ms: float) -> None:
    setup = meter.create_histogram_float("voicewright_call_setup_ms", "From dialling to an established line.", "ms")
    setup.record(took_ms)


def _count(meter: MetricMeter, record: CallRecord) -> None:
    """The call in the worker's metrics."""
    ttfa = meter.create_histogram("voicewright_ttfa_ms", "Time to first audio of each turn.", "ms")
    for _, ms in answer_times(record.turns):
        ttfa.record(max(0, ms))
    lost = meter.create_counter("voicewright_frames_lost", "Our frames that were not sent in time.")
    lost.add(record.pacing.frames_lost)


def _with_waits(record: CallRecord, waits: Waits, began_s: float) -> CallRecord:
    """How long the machine kept an agent that runs on it waiting before each of its answers."""

    def busy_ms(timing: TurnTiming) -> int:
        if timing.ttfa_ms is None or timing.agent_start_ms is None:
            return 0
        answered_s = began_s + timing.agent_start_ms / 1000
        return waits.between(answered_s - max(0, timing.ttfa_ms) / 1000, answered_s)

    turns = tuple(timing.model_copy(update={"busy_ms": busy_ms(timing)}) for timing in record.turns)
    return record.model_copy(update={"turns": turns})


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
