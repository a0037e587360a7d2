"""From checks to one verdict."""

from collections.abc import Sequence

from voicewright.transcript import SideTranscript
from voicewright.verdict import Check, CheckOutcome, Decision, Verdict

MIN_WORD_CONFIDENCE = 0.55
"""Mean word confidence of an answer under which its text is no ground for a verdict."""
_ON_SOUND = {"conversation", "within_ms", "overlap"}
"""Checks that do not depend on the recogniser."""


def doubt_words(checks: Sequence[Check], agent: SideTranscript) -> list[Check]:
    """Checks on words that the recogniser itself was unsure of decide nothing: a person listens."""
    return [_doubted(check, agent) for check in checks]


def _doubted(check: Check, agent: SideTranscript) -> Check:
    if check.turn is None or check.kind in _ON_SOUND:
        return check
    heard = agent.confidence(check.turn) or 0.0
    if heard >= MIN_WORD_CONFIDENCE:
        return check
    doubt = f"was unsure of these words (mean confidence {heard:.2f})" if heard else "heard speech but no words"
    evidence = f"{check.evidence}; but the recogniser {doubt}"
    confidence = min(check.confidence, heard) if check.outcome is CheckOutcome.PASSED else max(check.confidence, 0.5)
    return check.model_copy(
        update={"outcome": CheckOutcome.UNSURE, "evidence": evidence, "confidence": round(confidence, 3)}
    )


def decide(checks: Sequence[Check], name: str) -> Verdict:
    """A hard check that fails decides; then an automatic fail, then doubt; only what is without any passes.

    Confidence is the lowest of all checks: an answer is as right as its worst part.
    """
    wrong = [check for check in checks if check.hard and check.outcome is CheckOutcome.FAILED]
    if wrong:
        return Verdict(decision=Decision.FAIL, confidence=0.0, reason=_reason(wrong), checks=tuple(checks), judge=name)
    confidence = min((check.confidence for check in checks), default=1.0)
    unsure = [check for check in checks if check.outcome is CheckOutcome.UNSURE]
    failed = [check for check in checks if check.outcome is CheckOutcome.FAILED]
    if failed:
        decision, reason = Decision.FAIL, _reason(failed)
    elif unsure:
        decision, reason = Decision.REVIEW, _reason(unsure)
    else:
        decision, reason = Decision.PASS, f"all {len(checks)} checks hold"
    return Verdict(decision=decision, confidence=round(confidence, 3), reason=reason, checks=tuple(checks), judge=name)


def _reason(checks: Sequence[Check]) -> str:
    first = checks[0]
    where = f"turn {first.turn + 1}: " if first.turn is not None else ""
    more = f" (and {len(checks) - 1} more)" if len(checks) > 1 else ""
    return (
        f"{where}{first.kind}: {first.evidence}{more}"
        if first.kind not in first.evidence
        else f"{where}{first.evidence}{more}"
    )
