"""A run of which cases still wait for people is shown, reported and compared like any other, with what is open."""

import base64
import gzip
import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from test_report import Shelf, check, result

from voicewright.contracts.case import CaseKey, CaseResult, Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.run import RunFacts
from voicewright.contracts.steps import ReviewRequest
from voicewright.contracts.verdict import Decision, Verdict
from voicewright.report.build import Links, build_report
from voicewright.report.compare import compare
from voicewright.report.junit import junit_xml
from voicewright.report.results import NoReportError, RunReport, gather, read_report, stored_cases
from voicewright.store.keys import case_key, run_key

UNSURE = "turn 1: the words 'nine thirty' were hardly heard"
P, F = Outcome.PASSED, Outcome.FAILED


def folder(key: CaseKey, file: str) -> str:
    return case_key("run-1", key, file)


def ended(shelf: Shelf, case: str, outcome: Outcome) -> CaseResult:
    one = result(shelf, case, outcome, (check("time", CheckOutcome.FAILED, "heard 8"),) if outcome is F else ())
    shelf.put(folder(one.key, "result.json"), one.model_dump_json().encode())
    shelf.put(folder(one.key, "verdict.json"), b"{}")
    return one


def waiting(shelf: Shelf, key: CaseKey, *, asked: bool = True) -> None:
    """What the steps leave of a case that waits for a person."""
    whole = result(shelf, key.case, P)
    assert whole.call is not None
    assert whole.transcript is not None
    for file, ref in (
        ("call.json", whole.call.record),
        ("transcript.json", whole.transcript.transcript),
        ("recording.wav", whole.call.recording),
    ):
        shelf.put(folder(key, file), shelf.objects[ref.key])
    verdict = Verdict(decision=Decision.REVIEW, confidence=0.5, reason=UNSURE)
    shelf.put(folder(key, "verdict.json"), verdict.model_dump_json().encode())
    if asked:
        request = ReviewRequest(run_id="run-1", key=key, workflow_id=f"run-1/{key}", reason="unsure: time in turn 1")
        noted = {"asked_at": "2026-01-01T00:00:00+00:00", **request.model_dump(mode="json")}
        shelf.put(folder(key, "review-0.json"), json.dumps(noted).encode())


def facts(total: int) -> RunFacts:
    suite = result(Shelf(), "x", P).suite
    return RunFacts(
        run_id="run-1", suite=suite, agent="media_stream ws://agent", total=total, started_at="2026-01-01T00:00:00Z"
    )


@pytest.fixture
def shelf() -> Shelf:
    """A run of five cases: one passed, one failed, two wait for a person, one is still in its call."""
    shelf = Shelf()
    shelf.put(run_key("run-1", "run.json"), facts(5).model_dump_json().encode())
    ended(shelf, "a", P)
    ended(shelf, "b", F)
    waiting(shelf, CaseKey(case="c", language="en"))
    waiting(shelf, CaseKey(case="d", language="pt-BR", profile="on the train", repeat=2), asked=False)
    shelf.put(folder(CaseKey(case="e", language="en"), "dial-1.json"), b"{}")
    return shelf


def data_of(page: bytes) -> Any:
    packed = re.search(r'<script type="application/gzip" id="data">([^<]+)<', page.decode())
    assert packed is not None
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


def test_what_is_open_is_known_from_the_store_alone(shelf: Shelf) -> None:
    report = read_report(shelf, "run-1")
    assert (report.finished, report.counts, report.not_run) == (False, {P: 1, F: 1}, 1)
    assert [str(case.key) for case in report.pending] == ["c/en/1", "d/pt-BR+on the train/2"]
    assert {case.reason for case in report.pending} == {UNSURE}
    assert [case.workflow_id for case in report.pending] == [f"run-1/{case.key}" for case in report.pending]


def test_a_case_that_is_judged_but_not_recorded_yet_does_not_wait_for_a_person(shelf: Shelf) -> None:
    key = CaseKey(case="f", language="en")
    verdict = Verdict(decision=Decision.FAIL, confidence=0.0, reason="wrong")
    shelf.put(folder(key, "verdict.json"), verdict.model_dump_json().encode())
    assert key not in [case.key for case in stored_cases(shelf, "run-1")[1]]


def test_a_decided_case_waits_no_more(shelf: Shelf) -> None:
    ended(shelf, "c", P)
    report = read_report(shelf, "run-1")
    assert (report.counts, len(report.pending)) == ({P: 2, F: 1}, 1)


def test_a_finished_run_is_read_as_it_was_published(shelf: Shelf) -> None:
    whole = gather(shelf, facts(5), finished=True, counts={P: 4, F: 1}, cancelled=True)
    assert (whole.finished, whole.pending, whole.not_run, whole.cancelled) == (True, (), 0, True)
    shelf.put(run_key("run-1", "results.json"), whole.model_dump_json().encode())
    assert read_report(shelf, "run-1") == whole


def test_results_of_an_older_version_are_finished_ones() -> None:
    older = json.loads(gather(Shelf(), facts(0), finished=True).model_dump_json())
    for new in ("finished", "pending", "whole"):
        del older[new]
    assert RunReport.model_validate(older).finished


def test_an_older_workers_run_is_read_without_its_facts(shelf: Shelf) -> None:
    del shelf.objects[run_key("run-1", "run.json")]
    assert [str(case.key) for case in read_report(shelf, "run-1").pending] == ["c/en/1", "d/pt-BR+on the train/2"]
    with pytest.raises(NoReportError, match="voicewright runs list"):
        read_report(shelf, "run-2")


def test_the_report_shows_open_reviews_with_their_call_and_says_that_it_is_not_the_end(shelf: Shelf) -> None:
    built = build_report(shelf, read_report(shelf, "run-1"), Links())
    data = data_of(built.html)
    assert (data["run"]["finished"], data["run"]["waiting"], data["run"]["not_run"]) == (False, 2, 1)
    open_case = next(case for case in data["cases"] if case["key"]["case"] == "c")
    assert "outcome" not in open_case
    assert open_case["reason"] == UNSURE
    assert open_case["duration_ms"] == 1000
    assert built.audio == 4  # a person who decides wants to hear it
    assert built.markdown.startswith("## ❌ s: 1 of 5 passed")
    assert "| passed | failed | errored | unreviewed | waiting | not finished |" in built.markdown
    assert "| 1 | 1 | 0 | 0 | 2 | 1 |" in built.markdown
    assert "| `c/en/1` | turn 1: the words" in built.markdown


def test_nothing_wrong_so_far_is_neither_good_nor_bad(shelf: Shelf) -> None:
    ended(shelf, "b", P)
    assert build_report(shelf, read_report(shelf, "run-1"), Links()).markdown.startswith("## ⏳ s: 2 of 5 passed")


def test_junit_skips_every_open_review(shelf: Shelf) -> None:
    report = read_report(shelf, "run-1")
    root = ET.fromstring(junit_xml("s", "run-1", report.cases, report.pending))  # noqa: S314 - made here
    [suite] = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")


def test_runs_are_compared_by_what_is_judged(shelf: Shelf) -> None:
    before = gather(Shelf(), facts(2), finished=True)
    good = Shelf()
    for case in ("a", "b", "c"):
        ended(good, case, P)
    before = gather(good, facts(3), finished=True)
    after = read_report(shelf, "run-1")
    compared = compare(before, after)
    assert [one.case for one in compared.worse] == ["b"]
    assert (compared.compared, compared.open_before, compared.open_after) == (2, 0, 3)
    assert compare(after, before).open_before == 3
