"""A check by rule: it holds or it does not, and decides the case."""

from voicewright.verdict import Check, CheckOutcome


def hard(kind: str, turn: int | None, *, passed: bool, expected: str, actual: str, evidence: str) -> Check:
    """A check whose outcome nobody can doubt."""
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
