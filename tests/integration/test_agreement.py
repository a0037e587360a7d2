"""How far people and the machine agree: the figures, from the store to the page."""

from datetime import UTC, datetime, timedelta

import pytest
from invented_records import BEGAN, cases, run
from sqlalchemy import Engine
from test_insight import House, house  # noqa: F401 - a fixture
from test_report import Shelf, result

from voicewright.contracts.blind import BLIND_FILE, BlindResult
from voicewright.contracts.case import CaseKey, Outcome, SuiteRef
from voicewright.contracts.check import CheckKind, CheckOutcome
from voicewright.contracts.records import (
    BlindRecord,
    CaseRecord,
    CheckRecord,
    OpinionRecord,
    ReviewRecord,
    RunRecord,
)
from voicewright.contracts.review import ReviewDecision, ReviewVerdict
from voicewright.contracts.verdict import Decision
from voicewright.judge.metrics import wilson as judges_wilson
from voicewright.records import Records, upgrade
from voicewright.records.agreement import wilson
from voicewright.report.recording import Recorder
from voicewright.store.keys import case_key, run_key

NOW = datetime(2026, 5, 20, tzinfo=UTC)
PASS, FAIL, EDGE, SECOND = ReviewVerdict


def record(records: Records, *found: CaseRecord) -> None:
    ref = SuiteRef(name="s", version="0" * 64)
    records.record_run(RunRecord(run_id="r", suite=ref, total=len(found), started_at=NOW))
    records.record_cases(list(found))


def case(number: int, language: str = "en", **fields: object) -> CaseRecord:
    key = CaseKey(case=f"c{number}", language=language)
    return CaseRecord(run_id="r", key=key, workflow_id=f"r/{key}", outcome=Outcome.PASSED, **fields)


def blind(decided: Decision, verdict: ReviewVerdict, days_ago: int = 1) -> BlindRecord:
    return BlindRecord(decided=decided, verdict=verdict, reviewer="Ben", decided_at=NOW - timedelta(days=days_ago))


def test_the_machine_is_measured_by_blind_reviews_alone(database: Engine) -> None:
    upgrade(database)
    records = Records(database)
    check = CheckRecord(kind=CheckKind.MEANING, outcome=CheckOutcome.PASSED, confidence=0.9)
    again = check.model_copy(update={"turn": 1})
    record(
        records,
        case(0, blind=blind(Decision.PASS, PASS), checks=(check, again)),
        case(1, blind=blind(Decision.PASS, FAIL), checks=(check,)),
        case(2, "de", blind=blind(Decision.FAIL, FAIL, 25)),
        case(3, "de", blind=blind(Decision.FAIL, EDGE)),
        case(4, blind=blind(Decision.PASS, PASS, 400)),
        case(5),
    )
    found = records.agreement(365, NOW)
    assert (found.machine.right, found.machine.count, found.edge_cases) == (2, 3, 1)
    assert found.machine.interval == pytest.approx(judges_wilson(2, 3), abs=1e-6)
    assert [(one.by, one.right, one.count) for one in found.by_decision] == [("fail", 1, 1), ("pass", 1, 2)]
    assert [(one.by, one.right, one.count) for one in found.by_language] == [("de", 1, 1), ("en", 1, 2)]
    assert [(one.by, one.right, one.count) for one in found.by_check] == [("meaning", 1, 2)]
    assert [(one.by, one.right, one.count) for one in found.by_month] == [("2026-04", 1, 1), ("2026-05", 1, 2)]
    low, high = found.machine.with_more
    assert found.machine.interval[0] < low < 2 / 3 < high < found.machine.interval[1]
    assert wilson(0, 0) == (0.0, 1.0)


def opinion(reviewer: str, verdict: ReviewVerdict, minutes: int = 10) -> OpinionRecord:
    return OpinionRecord(reviewer=reviewer, verdict=verdict, given_at=NOW + timedelta(minutes=minutes))


def judged(number: int, final: ReviewVerdict, *opinions: OpinionRecord) -> CaseRecord:
    review = ReviewRecord(asked_at=NOW, decided_at=NOW, verdict=final, reviewer="x")
    return case(number, review=review, opinions=opinions)


def test_people_are_compared_by_cohens_kappa(database: Engine) -> None:
    upgrade(database)
    records = Records(database)
    # Twenty cases: both pass 10, both fail 4, Ann alone passes 4, Bob alone passes 2. By hand: observed 0.7, expected
    # 0.7 * 0.6 + 0.3 * 0.4 = 0.54, kappa (0.7 - 0.54) / 0.46 = 0.3478.
    pairs = [(PASS, PASS)] * 10 + [(FAIL, FAIL)] * 4 + [(PASS, FAIL)] * 4 + [(FAIL, PASS)] * 2
    record(
        records,
        *(
            judged(place, one, opinion("Ann", one), opinion("Bob", other, 30))
            for place, (one, other) in enumerate(pairs)
        ),
        judged(20, PASS, opinion("Cy", SECOND), opinion("Ann", PASS)),
    )
    found = records.agreement(365, NOW)
    ann, bob, cy = found.reviewers
    assert (ann.name, ann.opinions, ann.verdicts, ann.median_s) == ("Ann", 21, {PASS: 15, FAIL: 6}, 600)
    assert (ann.with_final.share, bob.with_final.right, bob.with_final.count) == (1.0, 14, 20)
    assert (cy.verdicts, cy.with_final.count) == ({SECOND: 1}, 0)
    [pair] = found.pairs
    assert (pair.one, pair.other, pair.both.right, pair.both.count) == ("Ann", "Bob", 14, 20)
    assert pair.kappa == pytest.approx(0.3478, abs=1e-4)
    assert pair.interval is not None
    assert pair.interval[0] < (pair.kappa or 0) < pair.interval[1]


async def test_a_blind_review_comes_from_the_store_to_the_page(house: House) -> None:  # noqa: F811
    assert "No automatic verdict was checked" in (await house.web.get("/agreement")).text
    done = result(Shelf(), "c0", Outcome.PASSED)
    told = ReviewDecision(verdict=FAIL, reviewer="Zoë", decided_at=datetime.now(UTC).isoformat())
    key = done.key
    sampled = BlindResult(run_id="run-1", suite=done.suite, key=key, decided=Decision.PASS, review=told)
    for name, body in (("result.json", done.model_dump_json()), (BLIND_FILE, sampled.model_dump_json())):
        house.store.put(case_key("run-1", key, name), body.encode(), "application/json")
    facts = {
        "run_id": "run-1",
        "suite": done.suite.model_dump(),
        "agent": "x",
        "total": 1,
        "started_at": done.started_at,
    }
    house.store.put(run_key("run-1", "run.json"), str(facts).replace("'", '"').encode(), "application/json")
    assert Recorder(house.store, house.records).everything() == []
    found = (await house.web.get("/api/v1/agreement")).json()
    assert (found["machine"]["right"], found["machine"]["count"], found["machine"]["high"] < 1) == (0, 1, True)
    page = (await house.web.get("/agreement")).text
    assert "of 1 automatic verdicts" in page
    assert '"verdict":"fail","reviewer":"Zoë"' in "".join(house.records.export())


def test_as_many_as_there_are_do_not_break_it(database: Engine) -> None:
    upgrade(database)
    records = Records(database)
    for number in range(6):
        held = run(number, cases=30)
        records.record_run(held)
        records.record_cases(list(cases(held)))
    found = records.agreement(365, BEGAN + timedelta(days=30))
    assert found.machine.count + found.edge_cases > 10
    assert {one.name for one in found.reviewers} == {"Ben", "Zoë"}
