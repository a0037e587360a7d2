"""Checks on the conversation itself: was it held to the end, in time, without talking over the caller?"""

from collections.abc import Iterator, Sequence
from itertools import count

from activities.checks.hard import hard
from voicewright.call import CallEnd, CallRecord, TurnTiming
from voicewright.pattern import compile_pattern
from voicewright.suite import Case, Suite
from voicewright.turn import Expectation, Turn
from voicewright.verdict import Check, CheckOutcome


def conversation_checks(suite: Suite, case: Case, record: CallRecord) -> Iterator[Check]:
    """One check on the call, and per turn those on answer, time, overlap and interruption."""
    steps = case.steps
    yield _held_to_the_end(case, steps, record)
    for timing in record.turns:
        turn = steps[timing.turn]
        limit = suite.within_ms(turn)
        if limit is not None and timing.ttfa_ms is not None:
            yield _in_time(timing, limit)
        if timing.caller_start_ms is not None and not talks_into(turn):
            yield _no_overlap(timing, suite.limits.overlap_ms)
        if turn.interrupt is not None:
            yield _interrupted(timing, turn)
        if turn.expect is not None and turn.expect.ends_call:
            yield _ended(timing, turn.expect, record)


def talks_into(turn: Turn) -> bool:
    """Whether the caller may begin while the agent speaks: then an overlap is not the agent's doing."""
    return turn.interrupt is not None or turn.wait_for is not None


def _held_to_the_end(case: Case, steps: Sequence[Turn], record: CallRecord) -> Check:
    held = [timing.turn for timing in record.turns]
    final = record.turns[-1] if record.turns else None
    at_end = final is not None and final.turn in _ends(case.turns, count())
    turn = steps[final.turn] if final is not None else None
    over = at_end and final is not None and (final.agent_start_ms is not None or turn is None or turn.expect is None)
    ends_call = turn is not None and turn.expect is not None and turn.expect.ends_call
    # An agent that hangs up after its last answer has said goodbye; before it, it has dropped the caller.
    passed = record.end is CallEnd.COMPLETED or (record.end in _GONE and (over or ends_call))
    whole = len(held) - (0 if over or passed else 1)
    return hard(
        "conversation",
        None,
        passed=passed,
        expected="the script held to its end",
        actual=f"{max(0, whole)} turns held, {record.end}",
        evidence=record.end_detail or f"the call took {record.duration_ms / 1000:.1f} s",
    )


_GONE = {CallEnd.AGENT_HUNG_UP, CallEnd.TRANSFERRED}


def _ends(turns: Sequence[Turn], numbers: Iterator[int]) -> set[int]:
    """Numbers of the turns with which a conversation may end."""
    ends: set[int] = set()
    for turn in turns:
        if turn.when is None:
            ends = {next(numbers)}
            continue
        ways = [_ends(way.then, numbers) for way in turn.when] + [_ends(turn.otherwise, numbers)]
        # Where no way fits and there is no `else`, the turn before was the last.
        ends = set().union(*ways) | (set() if turn.otherwise else ends)
    return ends


def _interrupted(timing: TurnTiming, turn: Turn) -> Check:
    assert turn.interrupt is not None
    limit = turn.expect.stops_within_ms if turn.expect is not None else None
    if not timing.interrupts or timing.stop_ms is None:
        return Check(
            kind="interrupt",
            turn=timing.turn,
            outcome=CheckOutcome.UNSURE,
            hard=True,
            expected=f"the caller talks into the answer {turn.interrupt.after_ms} ms after it began",
            actual="the agent was not speaking",
            evidence="there was nothing to interrupt: the agent had finished, or had not begun",
            confidence=0.5,
        )
    return hard(
        "interrupt",
        timing.turn,
        passed=limit is None or timing.stop_ms <= limit,
        expected="stops when interrupted" if limit is None else f"stops within {limit} ms",
        actual=f"{timing.stop_ms} ms",
        evidence=f"the agent spoke on for {timing.stop_ms} ms after the caller began",
    )


def _ended(timing: TurnTiming, expect: Expectation, record: CallRecord) -> Check:
    if expect.transfer is None:
        passed = record.end is CallEnd.AGENT_HUNG_UP
        return hard(
            "hangup",
            timing.turn,
            passed=passed,
            expected="the agent ends the call",
            actual=str(record.end),
            evidence=record.end_detail if passed else "the agent did not hang up",
        )
    where = next((event.value for event in record.events if event.kind == "transfer"), None)
    passed = where is not None and (expect.transfer is True or bool(compile_pattern(expect.transfer)(where)))
    return hard(
        "transfer",
        timing.turn,
        passed=passed,
        expected="the agent transfers the call" + ("" if expect.transfer is True else f" to {expect.transfer}"),
        actual=f"transferred to {where}" if where is not None else "not transferred",
        evidence=f"the agent asked for a transfer to {where}" if where is not None else "no transfer was asked for",
    )


def _in_time(timing: TurnTiming, limit_ms: int) -> Check:
    assert timing.ttfa_ms is not None
    return hard(
        "within_ms",
        timing.turn,
        passed=timing.ttfa_ms <= limit_ms,
        expected=f"first audio within {limit_ms} ms",
        actual=f"{timing.ttfa_ms} ms",
        evidence=f"time to first audio: {timing.ttfa_ms} ms, limit {limit_ms} ms",
    )


def _no_overlap(timing: TurnTiming, limit_ms: int) -> Check:
    return hard(
        "overlap",
        timing.turn,
        passed=timing.overlap_ms <= limit_ms,
        expected=f"talks over the caller for at most {limit_ms} ms",
        actual=f"{timing.overlap_ms} ms",
        evidence=f"the agent began while the caller spoke and talked over them for {timing.overlap_ms} ms"
        if timing.overlap_ms
        else "the agent did not talk over the caller",
    )
