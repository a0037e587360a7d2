"""Runs, cases and defects that never were, for tests and a bench of the records: the same for the same numbers."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from voicewright.contracts.call import CallEnd
from voicewright.contracts.case import CaseKey, Outcome, Step, SuiteRef
from voicewright.contracts.check import Breach, CheckKind, CheckOutcome, DoubtKind
from voicewright.contracts.records import (
    BlindRecord,
    CaseRecord,
    CheckRecord,
    DefectRecord,
    OpinionRecord,
    ReviewRecord,
    RunRecord,
    TurnRecord,
)
from voicewright.contracts.review import FailCategory, ReviewVerdict, Severity
from voicewright.contracts.verdict import Decision

BEGAN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SUITES = ("clinic", "bank", "Zürich 🏦")
_OUTCOMES = (*[Outcome.PASSED] * 12, *[Outcome.FAILED] * 3, Outcome.ERRORED, Outcome.UNREVIEWED, None)


def run(number: int, *, cases: int = 8, ended: bool = True) -> RunRecord:
    """The n-th run; they follow each other by an hour, two at a time."""
    suite = SUITES[number % len(SUITES)]
    started = BEGAN + timedelta(hours=number // 2)
    return RunRecord(
        run_id=f"run-{suite}-{number:05}",
        suite=SuiteRef(name=suite, version=f"{number % 4:064x}"),
        channel="media_stream",
        agent="ws://127.0.0.1:8765/media",
        total=cases,
        started_at=started,
        ended_at=started + timedelta(seconds=95 + number % 50) if ended else None,
        cancelled=number % 11 == 5,
        branch="main" if number % 2 else "",
        commit=f"{number:040x}",
        whole=number % 3 != 0,
    )


def case(of: RunRecord, number: int) -> CaseRecord:
    """The n-th case of a run."""
    dice = random.Random(f"{of.run_id} {number}")  # noqa: S311 - not for secrets
    outcome = dice.choice(_OUTCOMES)
    key = CaseKey(
        case=f"case-{number // 2:03}", language=("en", "de")[number % 2], profile=("", "noisy")[number % 5 == 4]
    )
    began = of.started_at + timedelta(seconds=dice.randrange(60), milliseconds=dice.randrange(1000))
    reviewed = outcome in {None, Outcome.UNREVIEWED} or dice.random() < 0.1
    decided = reviewed and outcome in {Outcome.PASSED, Outcome.FAILED}
    errored = outcome is Outcome.ERRORED
    return CaseRecord(
        run_id=of.run_id,
        key=key,
        workflow_id=f"{of.run_id}/{key}",
        outcome=outcome,
        started_at=began if outcome is not None else None,
        ended_at=began + timedelta(seconds=40) if outcome is not None else None,
        error_kind="UnreachableError" if errored else "",
        error_step=Step.CALL if errored else None,
        decision=None if errored else dice.choice([Decision.PASS, Decision.FAIL, Decision.REVIEW]),
        confidence=None if errored else dice.random(),
        call_end=None if errored else CallEnd.COMPLETED,
        call_ms=None if errored else dice.randrange(8_000, 60_000),
        dials=1,
        recording="" if errored else f"runs/{of.run_id}/cases/{key}/recording.wav",
        turns=() if errored else tuple(_turn(dice, turn) for turn in range(4)),
        checks=() if errored else tuple(_check(dice, turn) for turn in range(4)),
        review=_review(began, outcome, decided=decided) if reviewed else None,
        opinions=tuple(_opinions(began, outcome)) if decided else (),
        blind=_blind(began, number) if not reviewed and not errored and number % 3 == 0 else None,
        defects=("VW-0000ABCD", f"VW-{number:08X}") if outcome is Outcome.FAILED else (),
    )


def _review(began: datetime, outcome: Outcome | None, *, decided: bool) -> ReviewRecord:
    verdict = ReviewVerdict.PASS if outcome is Outcome.PASSED else ReviewVerdict.FAIL
    return ReviewRecord(
        asked_at=began + timedelta(seconds=50),
        decided_at=began + timedelta(minutes=9) if decided else None,
        verdict=verdict if decided else None,
        reviewer="Zoë" if decided else "",
    )


def _blind(began: datetime, number: int) -> BlindRecord:
    verdict = (ReviewVerdict.PASS, ReviewVerdict.FAIL, ReviewVerdict.EDGE_CASE)[number % 5 // 2]
    return BlindRecord(
        decided=(Decision.PASS, Decision.FAIL)[number % 2],
        verdict=verdict,
        reviewer="Ben",
        decided_at=began + timedelta(hours=number),
    )


def _opinions(began: datetime, outcome: Outcome | None) -> Iterator[OpinionRecord]:
    verdict = ReviewVerdict.PASS if outcome is Outcome.PASSED else ReviewVerdict.FAIL
    for minutes, reviewer, said in ((5, "Ben", ReviewVerdict.SECOND_OPINION), (9, "Zoë", verdict)):
        failed = said is ReviewVerdict.FAIL
        yield OpinionRecord(
            reviewer=reviewer,
            verdict=said,
            category=FailCategory.TIMING if failed else None,
            severity=Severity.HIGH if failed else None,
            given_at=began + timedelta(minutes=minutes),
        )


def _turn(dice: random.Random, turn: int) -> TurnRecord:
    start = turn * 6_000
    return TurnRecord(
        turn=turn,
        caller_start_ms=start,
        caller_end_ms=start + 2_000,
        agent_start_ms=start + 2_600,
        agent_end_ms=start + 5_500,
        ttfa_ms=dice.randrange(-100, 2_500),
        stop_ms=dice.choice([None, 300]),
        overlap_ms=dice.choice([0, 120]),
        busy_ms=dice.choice([0, 15]),
        interrupts=turn == 2,
    )


def _check(dice: random.Random, turn: int) -> CheckRecord:
    outcome = dice.choice(list(CheckOutcome))
    return CheckRecord(
        kind=dice.choice(list(CheckKind)),
        turn=turn or None,
        outcome=outcome,
        hard=dice.random() < 0.5,
        breach=Breach.TOO_HIGH if outcome is CheckOutcome.FAILED else None,
        doubt=DoubtKind.LOW_CONFIDENCE if outcome is CheckOutcome.UNSURE else None,
        confidence=dice.random(),
    )


def cases(of: RunRecord) -> Iterator[CaseRecord]:
    """All cases of a run."""
    return (case(of, number) for number in range(of.total))


def defect(number: int, seen: int = 1) -> DefectRecord:
    """The n-th defect."""
    return DefectRecord(
        defect=f"VW-{number:08X}",
        suite=SUITES[number % len(SUITES)],
        check="time",
        status="open",
        seen=seen,
        regressions=0,
        opened_at=BEGAN,
        changed_at=BEGAN + timedelta(days=number, seconds=seen),
        issue=f"VOICE-{number}" if number % 2 else "",
    )
