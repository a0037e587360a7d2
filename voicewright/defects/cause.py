"""What is wrong with the agent, apart from how a message or a transcript words it: the identity of a defect."""

import hashlib
import json
import re

from voicewright.contracts.case import CaseResult
from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome, Concern, FindingKind, facts_first
from voicewright.defects.record import MAX_TEXT, Failure, Signature

_MAX_TITLE = 200
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")
_HEX_DIGITS = 32
_MOST = 10
"""Defects that one case can show."""
_VALUES = {CheckKind.TIME, CheckKind.DATE, CheckKind.AMOUNT, CheckKind.NUMBER, CheckKind.NAME}
_OF_THE_WHOLE_ANSWER = {CheckKind.MEANING, CheckKind.RUBRIC}
_OF_SLOW_ANSWERS = {CheckKind.LATENCY_P95_MS, CheckKind.DEAD_AIR_MS}


def cause_key(check: Check | None) -> str:
    """The same for every failure of one cause, whatever case it shows in and whatever words the agent used.

    Made from the kind of check; from what was expected, without its figures, unless a failure is the same whatever was
    expected (a slow answer); from how a call ended; from the side on which
    a measurement is out of its limits; and from the kinds of values that contradict. Evidence, which is
    worded for people, and the transcript have no part in it.
    """
    if check is None:
        return _digest(["review"])
    traits = check.kind.traits
    expected = " ".join(_NUMBER.sub("#", check.expected.lower()).split()) if traits.per_expectation else ""
    values = sorted({one.of for one in check.findings if one.kind is FindingKind.OTHER_VALUE})
    return _digest([str(check.kind), expected, check.end, str(check.breach or ""), *values])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_HEX_DIGITS]


def failures_of(result: CaseResult) -> list[Failure]:
    """The failures of a case that failed, one per cause, what weighs most first; never empty.

    Where a human decided, the check that was unsure is the cause.
    """
    found: dict[str, Failure] = {}
    stand: list[Check | None] = [*causes(result)]
    for check in stand or [None]:
        failure = _failure(result, check)
        found.setdefault(failure.cause, failure)
    return list(found.values())[:_MOST]


def causes(result: CaseResult) -> list[Check]:
    """The checks of a failed case that stand for a cause each: those that only follow from another are left out."""
    checks = result.verdict.checks if result.verdict is not None else ()
    wrong = [check for check in checks if check.outcome is CheckOutcome.FAILED]
    unsure = [check for check in checks if check.outcome is CheckOutcome.UNSURE]
    ordered = facts_first(sorted(wrong, key=lambda check: not check.hard))
    return [check for check in ordered if not _follows(check, ordered)] or facts_first(unsure)[:1]


def _follows(check: Check, wrong: list[Check]) -> bool:
    """Whether a check fails because of what another, which is in `wrong` too, fails by."""
    if check.kind in _OF_SLOW_ANSWERS and check.breach in {Breach.TOO_HIGH, None}:
        return any(one.kind is CheckKind.WITHIN_MS for one in wrong)
    if check.kind.traits.concern is not Concern.ANSWER:
        return False
    said = [one for one in wrong if one.kind.traits.concern is Concern.ANSWER and one.turn == check.turn]
    exact = [one for one in said if one.kind not in _OF_THE_WHOLE_ANSWER]
    if check.kind in _OF_THE_WHOLE_ANSWER:
        return any(one.hard for one in exact) or check is not next(one for one in said if one not in exact)
    if _another_value(check):
        return False
    return any(_another_value(one) for one in exact) or check is not exact[0]


def _another_value(check: Check) -> bool:
    """Whether a value was said, and a wrong one: a mistake of its own. An answer without any lacks them all at once."""
    return check.kind in _VALUES and bool(check.heard)


def _failure(result: CaseResult, check: Check | None) -> Failure:
    noted = f" (noted: {result.review.note})" if check is not None and result.review and result.review.note else ""
    kind = str(check.kind) if check is not None else "review"
    turn = f"@{check.turn + 1}" if check is not None and check.turn is not None else ""
    evidence = check.evidence if check is not None else result.reason
    return Failure(
        signature=Signature(
            suite=result.suite.name, case=result.key.case, language=result.key.cell, check=f"{kind}{turn}"
        ),
        cause=cause_key(check),
        workflow_id=result.workflow_id,
        run_id=result.run_id,
        key=result.key,
        evidence=f"{evidence}{noted}"[:MAX_TEXT],
        decided_by=result.review.reviewer if result.review is not None else "",
    )


def title_of(failure: Failure) -> str:
    """One line for lists and for an outside tracker."""
    text = f"{failure.signature.suite}: {failure.signature.case}: {failure.evidence}"
    return " ".join(text.split())[:_MAX_TITLE]
