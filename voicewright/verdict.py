"""The judgement of one case: every check with its evidence."""

from enum import StrEnum

from voicewright.contract import Contract
from voicewright.measurement import Measurements


class CheckOutcome(StrEnum):
    """What one check says."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"


class Check(Contract):
    """One expectation held against what was heard.

    `turn` is None for checks on the whole call. A `hard` check that fails decides the case.
    """

    kind: str
    turn: int | None
    outcome: CheckOutcome
    hard: bool
    expected: str
    actual: str
    evidence: str
    confidence: float
    """How much this check alone speaks for a pass, 0 to 1."""


class Decision(StrEnum):
    """Where a verdict sends the case."""

    PASS = "pass"
    FAIL = "fail"
    REVIEW = "review"
    INVALID = "invalid"
    """The test itself did not happen as planned; the agent is not judged."""


class Verdict(Contract):
    """The machine's judgement. `confidence` is 0 to 1 that the agent behaved as expected."""

    decision: Decision
    confidence: float
    reason: str
    checks: tuple[Check, ...] = ()
    measured: Measurements | None = None
    judge: str = ""
    """Name and version of what judged, so that a verdict can be traced and repeated."""
