"""A check by rule: it holds or it does not, and decides the case."""

from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome, Doubt, DoubtKind


def hard(
    kind: CheckKind,
    turn: int | None,
    *,
    passed: bool,
    expected: str,
    actual: str,
    evidence: str,
    heard: tuple[str, ...] = (),
    end: str = "",
    breach: Breach | None = None,
) -> Check:
    """A check whose outcome nobody can doubt."""
    return Check(
        kind=kind,
        turn=turn,
        outcome=CheckOutcome.PASSED if passed else CheckOutcome.FAILED,
        hard=True,
        expected=expected,
        actual=actual,
        evidence=evidence,
        heard=heard,
        end=end,
        breach=breach,
        confidence=1.0 if passed else 0.0,
    )


def excused(check: Check, busy_ms: int) -> Check:
    """A time that was over its limit by no more than the machine kept the agent waiting: nobody can say whose it is."""
    because = (
        f"the agent runs on this machine, where work waited {busy_ms} ms for a free processor meanwhile: "
        "run fewer calls at once, or test the agent on a machine of its own"
    )
    return doubted(check, Doubt(kind=DoubtKind.BUSY_MACHINE, because=because))


def doubted(check: Check, doubt: Doubt) -> Check:
    """The same check, of which nobody can say whether it holds."""
    return check.model_copy(
        update={
            "outcome": CheckOutcome.UNSURE,
            "doubt": doubt,
            "evidence": f"{check.evidence}; but {doubt.because}",
            "confidence": 0.5,
        }
    )
