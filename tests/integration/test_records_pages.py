"""What pages ask of the records, on each kind of database."""

from datetime import UTC, datetime, timedelta

import invented_records as invented
import pytest
from sqlalchemy import Engine

from voicewright.contracts.case import CaseKey, Outcome
from voicewright.records import Records, upgrade
from voicewright.records.pages import CaseCell, Cursor, PlaceError, flakiness, history_of


@pytest.fixture
def records(database: Engine) -> Records:
    upgrade(database)
    return Records(database)


def fill(records: Records, runs: int) -> None:
    for number in range(runs):
        run = invented.run(number)
        records.record_run(run)
        records.record_cases(list(invented.cases(run)))


def test_pages_of_runs_follow_each_other_without_gap_or_double(records: Records) -> None:
    for number in range(17):
        records.record_run(invented.run(number))
    seen, before = [], None
    while True:
        page = records.runs(limit=5, before=before)
        seen += [line.run.run_id for line in page.lines]
        before = page.further
        if before is None:
            break
    newest_first = sorted((invented.run(n) for n in range(17)), key=lambda run: (run.started_at, run.run_id))[::-1]
    assert seen == [run.run_id for run in newest_first]


def test_runs_are_found_by_suite_and_by_outcome(records: Records) -> None:
    fill(records, 6)
    assert records.suites() == sorted(invented.SUITES)
    everything = records.runs().lines
    for suite in invented.SUITES:
        assert [line for line in everything if line.run.suite.name == suite] == records.runs(suite=suite).lines
    assert records.runs(suite="nobody's").lines == []
    for outcome in Outcome:
        assert [line for line in everything if outcome in line.counts] == records.runs(outcome=outcome).lines
    assert [line for line in everything if line.waiting] == records.runs(waiting=True).lines
    for line in everything:
        cases = list(invented.cases(line.run))
        assert sum(line.counts.values()) + line.waiting == len(cases)
        assert line.counts.get(Outcome.FAILED, 0) == sum(case.outcome is Outcome.FAILED for case in cases)
        assert line.took in {None, timedelta(seconds=95 + int(line.run.run_id[-5:]))}


def test_the_history_of_a_suite_holds_its_last_runs(records: Records) -> None:
    runs = [invented.run(number * len(invented.SUITES)) for number in range(24)]
    for run in runs:
        records.record_run(run)
        records.record_cases(list(invented.cases(run)))
    history = records.history("clinic", 20)
    assert [run.run_id for run in history.runs] == [run.run_id for run in runs[-20:]]
    for row in history.cases:
        for run, square in zip(runs[-20:], row.squares, strict=True):
            [held] = [case for case in invented.cases(run) if f"{case.key.case} {case.key.cell}" == row.name]
            assert square is not None
            assert (square.worst.workflow_id, square.worst.outcome) == (held.workflow_id, held.outcome)
    assert records.history("nobody's").runs == []


PASS, FAIL = Outcome.PASSED, Outcome.FAILED


@pytest.mark.parametrize(
    ("judged", "share"),
    [([], None), ([PASS], None), ([PASS, PASS], 0), ([PASS, FAIL, PASS], 1), ([PASS, PASS, FAIL], 0.5)],
)
def test_flakiness_is_how_often_a_result_differs_from_the_one_before(
    judged: list[Outcome], share: float | None
) -> None:
    assert flakiness(judged) == share


def test_repeats_share_a_square_that_shows_the_worst() -> None:
    run = invented.run(0)

    def cell(repeat: int, outcome: Outcome | None) -> CaseCell:
        return CaseCell(0, f"r/a/en/{repeat}", CaseKey(case="a", language="en", repeat=repeat), outcome)

    [row] = history_of([run], [cell(2, FAIL), cell(1, PASS), cell(3, FAIL), cell(4, None)]).cases
    [square] = row.squares
    assert square is not None
    assert (square.worst.key.repeat, square.like_it, square.of) == (2, 2, 4)
    assert row.flakiness == 0.5


def test_a_case_that_was_not_held_has_no_square() -> None:
    held = CaseCell(1, "r/a/en/1", CaseKey(case="a", language="en"), Outcome.ERRORED)
    [row] = history_of([invented.run(0), invented.run(3)], [held]).cases
    assert row.squares[0] is None
    assert row.flakiness is None


def test_a_place_in_a_list_survives_an_address() -> None:
    place = Cursor(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "run of/mine Ü")
    assert Cursor.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "x", "YWJj", "MjAyNi0wMS0wMSBhYmM=", "é", "2026 a"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(PlaceError, match="first page"):
        Cursor.parse(text)
