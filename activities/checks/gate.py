"""The validity gate: did the test happen at all? Before any verdict on the agent stands proof of our own part."""

from activities.audio.pcm import rms_dbfs
from activities.checks.conversation import script_over
from activities.checks.heard.error_rate import error_rate, error_rate_name, units
from activities.checks.recorded_call import Call
from voicewright.contracts.call import CallEnd, CallRecord, TurnTiming
from voicewright.suite import SpokenCase

MAX_LOST = 0.01
"""Share of our frames that may be missing."""
MAX_LATE_P99_MS = 100.0
"""A caller whose frames come later than this stutters."""
MIN_CALLER_DBFS = -45.0
MAX_CALLER_ERROR = 0.6
"""Word error rate, or character error rate where a language is counted so."""
_MIN_UNITS = 3
_MAX_LENGTH_ERROR_MS = 40


def invalid_because(case: SpokenCase, language: str, call: Call, *, most_error: float | None = None) -> str | None:
    """Why nothing can be said about the agent, in a sentence that names what to mend; None when all is well."""
    most = MAX_CALLER_ERROR if most_error is None else most_error
    return (
        _incomplete(call)
        or _out_of_sight(case, call.record)
        or _no_packets(call.record)
        or _stuttered(call.record)
        or _silent_caller(case, call)
        or _unintelligible(case, language, call, most)
    )


def _incomplete(call: Call) -> str | None:
    recorded = call.caller.duration_ms, call.agent.duration_ms
    if any(abs(length - call.record.duration_ms) > _MAX_LENGTH_ERROR_MS for length in recorded):
        return f"the recording is not whole: {recorded} ms per side, the call took {call.record.duration_ms} ms"
    return None


def _out_of_sight(case: SpokenCase, record: CallRecord) -> str | None:
    """A call that went on at its carrier before the script was over was not held there by us."""
    if record.end is not CallEnd.WENT_ON or script_over(case, record):
        return None
    return f"{record.end_detail}, where Voicewright does not follow it: call what it goes on with in a case of its own"


def _no_packets(record: CallRecord) -> str | None:
    network = record.network
    if network is None or not network.codec or network.packets + network.packets_lost:
        return None
    return "not one packet of the agent's audio arrived: does a firewall let UDP through to this worker?"


def _stuttered(record: CallRecord) -> str | None:
    pacing = record.pacing
    if pacing.frames_lost > MAX_LOST * max(1, pacing.frames):
        return (
            f"{pacing.frames_lost} of our {pacing.frames} frames were not sent: run fewer calls at once on this worker"
        )
    if pacing.late_p99_ms > MAX_LATE_P99_MS:
        return (
            f"our caller stuttered: 1 % of its frames were {pacing.late_p99_ms:.0f} ms late or more; "
            "run fewer calls at once on this worker"
        )
    return None


def _silent_caller(case: SpokenCase, call: Call) -> str | None:
    steps = case.steps
    for timing in _whole_turns(call.record):
        if timing.caller_start_ms is None or timing.caller_end_ms is None or steps[timing.turn].say is None:
            continue  # keys may travel as events, without a sound
        level = rms_dbfs(call.caller.samples[_span(timing, call.caller.rate_hz)])
        if level < MIN_CALLER_DBFS:
            turn = timing.turn + 1
            return f"our caller was silent in turn {turn} ({level:.0f} dBFS): the agent heard nothing to answer"
    return None


def _whole_turns(record: CallRecord) -> tuple[TurnTiming, ...]:
    """Turns that were spoken to their end: an agent that hangs up may cut the last one, and that is its fault."""
    cut = record.end in {CallEnd.AGENT_HUNG_UP, CallEnd.TRANSFERRED, CallEnd.WENT_ON, CallEnd.TOO_LONG}
    if cut and record.turns and record.turns[-1].agent_start_ms is None:
        return record.turns[:-1]
    return record.turns


def _span(timing: TurnTiming, rate_hz: int) -> slice:
    assert timing.caller_start_ms is not None
    assert timing.caller_end_ms is not None
    return slice(timing.caller_start_ms * rate_hz // 1000, timing.caller_end_ms * rate_hz // 1000)


def caller_error_rate(case: SpokenCase, language: str, call: Call) -> float | None:
    """Of all that our caller said, as the recogniser heard it; None where that is too little to tell.

    Over all turns that were spoken, so that one misheard short word condemns nothing.
    """
    said, heard = _said_and_heard(case, call)
    return error_rate(said, heard, language) if len(units(said, language)) >= _MIN_UNITS else None


def _said_and_heard(case: SpokenCase, call: Call) -> tuple[str, str]:
    spoken = {timing.turn for timing in _whole_turns(call.record) if timing.caller_start_ms is not None}
    said = " ".join(turn.say or "" for i, turn in enumerate(case.steps) if i in spoken)
    return said, " ".join(call.transcript.caller.text(turn) for turn in sorted(spoken))


def _unintelligible(case: SpokenCase, language: str, call: Call, most: float) -> str | None:
    rate = caller_error_rate(case, language, call)
    if rate is None or rate <= most:
        return None
    said, heard = _said_and_heard(case, call)
    return (
        f"our caller could not be understood: {error_rate_name(language)} {rate:.2f}; it should have said "
        f"{said[:200]!r} and was heard as {heard[:200]!r}; choose another voice, or a profile that is easier to hear"
    )
