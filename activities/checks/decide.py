"""From checks to one verdict."""

from collections.abc import Sequence

from voicewright.contracts.check import Check, CheckOutcome, DoubtKind, facts_first
from voicewright.contracts.text import cut
from voicewright.contracts.verdict import Decision, Verdict

_TOLD = 10
"""Checks that a reason names; the rest is counted."""
_LONGEST = 400
"""Characters of each one's evidence."""


def decide(checks: Sequence[Check], name: str) -> Verdict:
    """A hard check that fails decides; then an automatic fail, then doubt; only what is without any passes.

    A case whose only doubt is about the time that a busy machine took is invalid: no person can tell from listening.
    Confidence is the lowest of all checks: an answer is as right as its worst part.
    """
    failed = sorted((one for one in checks if one.outcome is CheckOutcome.FAILED), key=lambda one: not one.hard)
    if failed and failed[0].hard:
        reason = _reason(failed)
        return Verdict(decision=Decision.FAIL, confidence=0.0, reason=reason, checks=tuple(checks), judge=name)
    confidence = min((check.confidence for check in checks), default=1.0)
    unsure = [check for check in checks if check.outcome is CheckOutcome.UNSURE]
    if failed:
        decision, reason = Decision.FAIL, _reason(failed)
    elif unsure and all(_by_the_machine(check) for check in unsure):
        decision, reason = Decision.INVALID, _reason(unsure)
    elif unsure:
        decision, reason = Decision.REVIEW, _reason(unsure)
    else:
        decision, reason = Decision.PASS, f"all {len(checks)} checks hold"
    return Verdict(decision=decision, confidence=round(confidence, 3), reason=reason, checks=tuple(checks), judge=name)


def _by_the_machine(check: Check) -> bool:
    return check.doubt is not None and check.doubt.kind is DoubtKind.BUSY_MACHINE


def _reason(checks: Sequence[Check]) -> str:
    """Every check, facts first: a slow answer must not hide a wrong one."""
    ordered = facts_first(checks)
    more = [f"and {len(ordered) - _TOLD} more"] if len(ordered) > _TOLD else []
    return "; ".join([*(_line(check) for check in ordered[:_TOLD]), *more])


def _line(check: Check) -> str:
    where = f"turn {check.turn + 1}: " if check.turn is not None else ""
    kind = f"{check.kind}: " if check.kind not in check.evidence else ""
    return f"{where}{kind}{cut(check.evidence, _LONGEST)}"
