"""Checks on the conversation itself: was it held to the end, in time, without talking over the caller?"""

from collections.abc import Iterator

from voicewright.call import CallEnd, CallRecord, TurnTiming
from voicewright.suite import Case, Suite
from voicewright.verdict import Check, CheckOutcome


def _hard(kind: str, turn: int | None, *, passed: bool, expected: str, actual: str, evidence: str) -> Check:
    return Check(
        kind=kind,
        turn=turn,
        outcome=CheckOutcome.PASSED if passed else CheckOutcome.FAILED,
        hard=True,
        expected=expected,
        actual=actual,
        evidence=evidence,
        confidence=1.0 if passed else 0.0,
    )


def conversation_checks(suite: Suite, case: Case, record: CallRecord) -> Iterator[Check]:
    """One check on the call, and per turn those on answer, time and overlap."""
    yield _held_to_the_end(case, record)
    for timing in record.turns:
        turn = case.turns[timing.turn]
        limit = suite.within_ms(turn)
        if limit is not None and timing.ttfa_ms is not None:
            yield _in_time(timing, limit)
        if timing.caller_start_ms is not None:
            yield _no_overlap(timing, suite.limits.overlap_ms)


def _held_to_the_end(case: Case, record: CallRecord) -> Check:
    last = len(case.turns) - 1
    final = next((timing for timing in record.turns if timing.turn == last), None)
    over = final is not None and (final.agent_start_ms is not None or case.turns[last].expect is None)
    # An agent that hangs up after its last answer has said goodbye; before it, it has dropped the caller.
    passed = record.end is CallEnd.COMPLETED or (record.end is CallEnd.AGENT_HUNG_UP and over)
    held = len(record.turns) - (0 if over else 1)
    return _hard(
        "conversation",
        None,
        passed=passed,
        expected=f"{len(case.turns)} turns held",
        actual=f"{max(0, held)} turns held, {record.end}",
        evidence=record.end_detail or f"the call took {record.duration_ms / 1000:.1f} s",
    )


def _in_time(timing: TurnTiming, limit_ms: int) -> Check:
    assert timing.ttfa_ms is not None
    return _hard(
        "within_ms",
        timing.turn,
        passed=timing.ttfa_ms <= limit_ms,
        expected=f"first audio within {limit_ms} ms",
        actual=f"{timing.ttfa_ms} ms",
        evidence=f"time to first audio: {timing.ttfa_ms} ms, limit {limit_ms} ms",
    )


def _no_overlap(timing: TurnTiming, limit_ms: int) -> Check:
    return _hard(
        "overlap",
        timing.turn,
        passed=timing.overlap_ms <= limit_ms,
        expected=f"talks over the caller for at most {limit_ms} ms",
        actual=f"{timing.overlap_ms} ms",
        evidence=f"the agent began while the caller spoke and talked over them for {timing.overlap_ms} ms",
    )
