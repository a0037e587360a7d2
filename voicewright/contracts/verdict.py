"""The judgement of one case: every check with its evidence."""

from enum import StrEnum
from typing import Any

from pydantic import model_validator

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, facts_first
from voicewright.contracts.text import Passage

_LINES = 50
"""Checks that a summary lists."""


class Measurements(Contract):
    """Of one call. Times in ms, levels in dB relative to full scale, shares from 0 to 1."""

    latency_p50_ms: int | None = None
    """Of the response latencies of its turns; greetings are none."""
    latency_p90_ms: int | None = None
    latency_p95_ms: int | None = None
    latency_p99_ms: int | None = None
    stop_ms: int | None = None
    """The longest interruption stop time."""
    false_interruptions: int = 0
    """Turns in which the agent began while the caller spoke."""
    overlap_ms: int = 0
    """Both sides speaking at once, in all."""
    dead_air_ms: int = 0
    """The longest stretch in which neither side spoke."""
    talk_ratio: float | None = None
    """The agent's share of all speech."""
    words_per_minute: float | None = None
    level_dbfs: float | None = None
    clipping: float = 0.0
    """Share of the agent's samples at the limit of the scale."""
    quality: float | None = None
    """DNSMOS P.835 overall, 1 to 5; only where the suite limits it."""
    caller_error_rate: float | None = None
    """Of our caller's words as the recogniser heard them; characters in languages that are counted so."""
    packets_lost: float | None = None
    """Share of the agent's packets, where the channel has any."""


class Decision(StrEnum):
    """Where a verdict sends the case."""

    PASS = "pass"
    FAIL = "fail"
    REVIEW = "review"
    INVALID = "invalid"
    """The test itself did not happen as planned; the agent is not judged."""


class Verdict(Contract):
    """The machine's judgement, stored as `verdict.json`. `confidence` is 0 to 1 that the agent behaved as expected."""

    decision: Decision
    confidence: float
    reason: Passage
    checks: tuple[Check, ...] = ()
    measured: Measurements | None = None
    judge: str = ""
    """Name and version of what judged, so that a verdict can be traced and repeated."""


class CheckLine(Contract):
    """What came of one check, without a word that anybody said."""

    kind: CheckKind
    turn: int | None
    outcome: CheckOutcome


class VerdictSummary(Contract):
    """What Temporal keeps of a verdict: nothing that an agent or a caller said."""

    decision: Decision
    confidence: float
    headline: str
    """Which checks decided, in one line."""
    checks: tuple[CheckLine, ...] = ()
    judge: str = ""
    stored: ArtifactRef | None = None
    """The verdict itself."""
    whole: Verdict | None = None
    """The verdict itself, where a worker of version 0.1.0 put it into the history."""

    @classmethod
    def of(cls, verdict: Verdict, stored: ArtifactRef | None) -> "VerdictSummary":
        """Of a verdict that lies at `stored`."""
        lines = [CheckLine(kind=one.kind, turn=one.turn, outcome=one.outcome) for one in verdict.checks]
        return cls(
            decision=verdict.decision,
            confidence=verdict.confidence,
            headline=_headline(verdict.decision, lines),
            checks=tuple(sorted(lines, key=lambda line: _GRAVEST.index(line.outcome))[:_LINES]),
            judge=verdict.judge,
            stored=stored,
        )

    @model_validator(mode="before")
    @classmethod
    def _by_an_older_worker(cls, given: Any) -> Any:  # noqa: ANN401 - whatever is validated
        """Workers of version 0.1.0 answered with the verdict itself."""
        if not isinstance(given, dict) or "headline" in given or "reason" not in given:
            return given
        verdict = Verdict.model_validate(given)
        return cls.of(verdict, None).model_copy(update={"whole": verdict}).model_dump()


_GRAVEST = (CheckOutcome.FAILED, CheckOutcome.UNSURE, CheckOutcome.PASSED)


def _headline(decision: Decision, lines: list[CheckLine]) -> str:
    if decision is Decision.INVALID:
        return "the test did not happen as planned; the stored result says why"
    if decision is Decision.PASS:
        return f"all {len(lines)} checks hold"
    outcome = CheckOutcome.FAILED if decision is Decision.FAIL else CheckOutcome.UNSURE
    named = [
        str(line.kind) if line.turn is None else f"{line.kind} in turn {line.turn + 1}"
        for line in facts_first(lines)
        if line.outcome is outcome
    ]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{outcome}: {', '.join(named[:_NAMED])}{more}"


_NAMED = 8
