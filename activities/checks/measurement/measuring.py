"""From a call to its measurements, and from those to checks where the suite sets limits."""

from collections.abc import Iterator, Sequence

import numpy as np

from activities.audio.pcm import Audio, Samples, rms_dbfs
from activities.checks.conversation import talks_into
from activities.checks.gate import caller_error_rate
from activities.checks.hard import excused, hard
from activities.checks.heard.error_rate import units
from activities.checks.measurement.quality import speech_quality
from activities.checks.recorded_call import Call
from voicewright.contracts.call import Side, Speech, TurnTiming
from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome
from voicewright.contracts.verdict import Measurements
from voicewright.report.latency import answer_times, percentile
from voicewright.suite import SpokenCase, Suite
from voicewright.suite.format.part import Range
from voicewright.suite.format.turn import Turn

_FULL_SCALE = 32_000
"""Mu-law's largest value is 32,124: a codec never reaches 32,767."""
_MIN_RATE_MS = 1_000
"""Less speech than this has no rate."""

_AT_MOST = (
    CheckKind.DEAD_AIR_MS,
    CheckKind.LATENCY_P95_MS,
    CheckKind.CLIPPING,
    CheckKind.FALSE_INTERRUPTIONS,
)
_WITHIN = (CheckKind.TALK_RATIO, CheckKind.WORDS_PER_MINUTE, CheckKind.LEVEL_DBFS, CheckKind.QUALITY)
"""Measurements that a suite may limit: by an upper bound, or by a range. Named as its fields are."""


def measurements(suite: Suite, case: SpokenCase, language: str, call: Call) -> Measurements:
    """All of a call."""
    record, steps = call.record, case.steps
    caller = [item for item in record.speech if item.side is Side.CALLER]
    agent = [item for item in record.speech if item.side is Side.AGENT]
    spoken = _cut(call.agent, agent)
    caller_ms, agent_ms = _length(caller), _length(agent)
    latencies = [ttfa_ms for _, ttfa_ms in answer_times(record.turns)]
    stops = [timing.stop_ms for timing in record.turns if timing.stop_ms is not None]
    network = record.network
    packets = network.packets + network.packets_lost if network is not None else 0
    error_rate = caller_error_rate(case, language, call)
    return Measurements(
        latency_p50_ms=percentile(latencies, 50),
        latency_p90_ms=percentile(latencies, 90),
        latency_p95_ms=percentile(latencies, 95),
        latency_p99_ms=percentile(latencies, 99),
        stop_ms=max(stops, default=None),
        false_interruptions=sum(
            timing.overlap_ms > suite.limits.overlap_ms and not talks_into(steps[timing.turn])
            for timing in record.turns
        ),
        overlap_ms=_overlap(caller, agent),
        dead_air_ms=_dead_air(record.speech, steps),
        talk_ratio=round(agent_ms / (agent_ms + caller_ms), 3) if agent_ms + caller_ms else None,
        words_per_minute=_rate(len(units(call.transcript.agent.text(), language)), agent_ms),
        level_dbfs=round(rms_dbfs(spoken), 1) if len(spoken) else None,
        clipping=round(float(np.mean(np.abs(spoken.astype(np.int32)) >= _FULL_SCALE)), 5) if len(spoken) else 0.0,
        quality=speech_quality(Audio(spoken, call.agent.rate_hz)) if suite.limits.quality is not None else None,
        caller_error_rate=round(error_rate, 3) if error_rate is not None else None,
        packets_lost=round(network.packets_lost / packets, 4) if network is not None and packets else None,
    )


def limit_checks(suite: Suite, case: SpokenCase, language: str, call: Call, measured: Measurements) -> Iterator[Check]:
    """One check for every limit of the suite, and for those of turns."""
    limits = suite.limits
    for kind in _AT_MOST:
        most, value = getattr(limits, kind), getattr(measured, kind)
        if most is not None and value is not None:
            check = _check(kind, None, Range(max=most), value)
            yield _unless_busy(check, most, call) if kind is CheckKind.LATENCY_P95_MS else check
    for kind in _WITHIN:
        wanted, value = getattr(limits, kind), getattr(measured, kind)
        if wanted is not None and value is not None:
            yield _check(kind, None, wanted, value)
    steps = case.steps
    for timing in call.record.turns:
        expect = steps[timing.turn].expect
        if expect is None or timing.agent_start_ms is None:
            continue
        if expect.words_per_minute is not None:
            words = len(units(call.transcript.agent.text(timing.turn), language))
            if (rate := _rate(words, _length(_of(call, timing)))) is not None:
                yield _check(CheckKind.WORDS_PER_MINUTE, timing.turn, expect.words_per_minute, rate)
        if expect.level_dbfs is not None:
            level = rms_dbfs(_cut(call.agent, _of(call, timing)))
            yield _check(CheckKind.LEVEL_DBFS, timing.turn, expect.level_dbfs, round(level, 1))


def _check(kind: CheckKind, turn: int | None, wanted: Range, value: float) -> Check:
    breach = _breach(wanted, value)
    return hard(
        kind,
        turn,
        passed=breach is None,
        expected=f"{kind} {wanted}",
        actual=f"{value:g}",
        evidence=f"{kind} is {value:g}, to be {wanted}",
        breach=breach,
    )


def _unless_busy(check: Check, most: float, call: Call) -> Check:
    """The latency of all turns, which a busy machine excuses where it would hold without the time that it took."""
    if check.outcome is not CheckOutcome.FAILED:
        return check
    busy = {timing.turn: timing.busy_ms for timing in call.record.turns}
    times = answer_times(call.record.turns)
    without = percentile([ttfa_ms - (busy[turn] if ttfa_ms > most else 0) for turn, ttfa_ms in times], 95)
    if without is None or without > most:
        return check
    return excused(check, max(busy[turn] for turn, ttfa_ms in times if ttfa_ms > most))


def _breach(wanted: Range, value: float) -> Breach | None:
    if wanted.holds(value):
        return None
    return Breach.TOO_LOW if wanted.min is not None and value < wanted.min else Breach.TOO_HIGH


def _of(call: Call, timing: TurnTiming) -> list[Speech]:
    return [item for item in call.record.speech if item.side is Side.AGENT and item.turn == timing.turn]


def _length(speech: list[Speech]) -> int:
    return sum(item.end_ms - item.start_ms for item in speech)


def _cut(side: Audio, speech: list[Speech]) -> Samples:
    """A side's speech without its pauses."""
    rate = side.rate_hz
    parts = [side.samples[item.start_ms * rate // 1000 : item.end_ms * rate // 1000] for item in speech]
    return np.concatenate(parts) if parts else np.empty(0, np.int16)


def _rate(words: int, speech_ms: int) -> float | None:
    return round(words * 60_000 / speech_ms, 1) if speech_ms >= _MIN_RATE_MS else None


def _overlap(caller: list[Speech], agent: list[Speech]) -> int:
    return sum(
        max(0, min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)) for one in caller for other in agent
    )


def _dead_air(speech: tuple[Speech, ...], steps: Sequence[Turn]) -> int:
    """Silence that the agent ended: what the caller ends is our own waiting, and some turns are silent on purpose."""
    longest = 0
    until: int | None = None
    for item in sorted(speech, key=lambda item: item.start_ms):
        wanted = item.turn is not None and steps[item.turn].silence_s is not None
        if until is not None and item.side is Side.AGENT and not wanted:
            longest = max(longest, item.start_ms - until)
        until = max(until or 0, item.end_ms)
    return longest
