"""Checks on the conversation itself: was it held to the end, in time, without talking over the caller?"""

from collections.abc import Iterator, Sequence
from itertools import count

from activities.checks.hard import excused, hard
from voicewright.contracts.call import CallEnd, CallEventKind, CallRecord, TurnTiming
from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome
from voicewright.pattern import compile_pattern
from voicewright.suite import Case, Suite
from voicewright.suite.format.turn import Expectation, Turn

_GIVES_WAY_MS = 2000
"""Where the suite names no limit: who talks over a caller for longer has not given way."""


def conversation_checks(suite: Suite, case: Case, record: CallRecord) -> Iterator[Check]:
    """One check on the call, and per turn those on answer, time, overlap and interruption."""
    steps = case.steps
    yield _held_to_the_end(case, record)
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
    """Whether the caller speaks into a menu that goes on: then an overlap is not the agent's doing.

    Who interrupts is given way to: there, too, nothing may begin while the caller speaks.
    """
    return turn.wait_for is not None


def script_over(case: Case, record: CallRecord) -> bool:
    """Whether the last turn was held to its end, or is one with which the agent ends the call."""
    expect = case.steps[record.turns[-1].turn].expect if record.turns else None
    return _last_turn_over(case, record) or (expect is not None and expect.ends_call)


def _last_turn_over(case: Case, record: CallRecord) -> bool:
    final = record.turns[-1] if record.turns else None
    if final is None or final.turn not in _ends(case.turns, count()):
        return False
    return final.agent_start_ms is not None or case.steps[final.turn].expect is None


def _held_to_the_end(case: Case, record: CallRecord) -> Check:
    held = [timing.turn for timing in record.turns]
    # An agent that hangs up after its last answer has said goodbye; before it, it has dropped the caller.
    passed = record.end is CallEnd.COMPLETED or (record.end in _GONE and script_over(case, record))
    whole = len(held) - (0 if passed or _last_turn_over(case, record) else 1)
    return hard(
        CheckKind.CONVERSATION,
        None,
        passed=passed,
        expected="the script held to its end",
        actual=f"{max(0, whole)} turns held, {record.end}",
        evidence=record.end_detail or f"the call took {record.duration_ms / 1000:.1f} s",
        end=record.end,
    )


_GONE = {CallEnd.AGENT_HUNG_UP, CallEnd.TRANSFERRED, CallEnd.WENT_ON}


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
            kind=CheckKind.INTERRUPT,
            turn=timing.turn,
            outcome=CheckOutcome.UNSURE,
            hard=True,
            expected=f"the caller talks into the answer {turn.interrupt.after_ms} ms after it began",
            actual="the agent was not speaking",
            breach=Breach.NOTHING_THERE,
            evidence="there was nothing to interrupt: the agent had finished, or had not begun",
            confidence=0.5,
        )
    spoken_ms = (timing.caller_end_ms or 0) - (timing.caller_start_ms or 0)
    through = timing.stop_ms > spoken_ms
    evidence = f"the agent spoke on for {timing.stop_ms} ms after the caller began"
    if timing.resumed:
        evidence += (
            ": it paused, and went on before the caller was done" if through else ", pauses of its own among them"
        )
    return hard(
        CheckKind.INTERRUPT,
        timing.turn,
        # Silence that ends before the caller does is no giving way, however soon it came.
        passed=timing.stop_ms <= (_GIVES_WAY_MS if limit is None else limit) and not (timing.resumed and through),
        expected="gives way when interrupted" if limit is None else f"stops within {limit} ms",
        actual=f"{timing.stop_ms} ms",
        evidence=evidence,
    )


def _ended(timing: TurnTiming, expect: Expectation, record: CallRecord) -> Check:
    if expect.transfer is None:
        passed = record.end is CallEnd.AGENT_HUNG_UP
        return hard(
            CheckKind.HANGUP,
            timing.turn,
            passed=passed,
            expected="the agent ends the call",
            actual=str(record.end),
            evidence=record.end_detail if passed else f"the agent did not hang up{_instead(record)}",
        )
    where = next((event.value for event in record.events if event.kind is CallEventKind.TRANSFER), None)
    passed = where is not None and (expect.transfer is True or bool(compile_pattern(expect.transfer)(where)))
    return hard(
        CheckKind.TRANSFER,
        timing.turn,
        passed=passed,
        expected="the agent transfers the call" + ("" if expect.transfer is True else f" to {expect.transfer}"),
        actual=f"transferred to {where}" if where is not None else "not transferred",
        evidence=f"the agent asked for a transfer to {where}"
        if where is not None
        else f"no transfer was asked for{_instead(record)}",
    )


def _instead(record: CallRecord) -> str:
    """What an agent did that neither hung up nor handed the call on, where that is known."""
    return f": {record.end_detail}" if record.end is CallEnd.WENT_ON else ""


def _in_time(timing: TurnTiming, limit_ms: int) -> Check:
    assert timing.ttfa_ms is not None
    check = hard(
        CheckKind.WITHIN_MS,
        timing.turn,
        passed=timing.ttfa_ms <= limit_ms,
        expected=f"first audio within {limit_ms} ms",
        actual=f"{timing.ttfa_ms} ms",
        evidence=f"time to first audio: {timing.ttfa_ms} ms, limit {limit_ms} ms",
    )
    late_ms = timing.ttfa_ms - limit_ms
    return excused(check, timing.busy_ms) if 0 < late_ms <= timing.busy_ms else check


def _no_overlap(timing: TurnTiming, limit_ms: int) -> Check:
    return hard(
        CheckKind.OVERLAP,
        timing.turn,
        passed=timing.overlap_ms <= limit_ms,
        expected=f"talks over the caller for at most {limit_ms} ms",
        actual=f"{timing.overlap_ms} ms",
        evidence=f"the agent began while the caller spoke and talked over them for {timing.overlap_ms} ms"
        if timing.overlap_ms
        else "the agent did not talk over the caller",
    )
