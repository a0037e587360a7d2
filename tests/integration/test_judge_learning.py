"""How the judge learns from people: decisions kept as pairs, calibrations as versions in the real store."""

import json
from pathlib import Path

import pytest
from local_stack import LocalStack

from activities.checks.decisions import decided_pairs
from voicewright.contracts.case import CaseKey, CaseResult, Outcome, SuiteRef
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.review import ReviewDecision
from voicewright.contracts.verdict import Decision, Verdict
from voicewright.judge import Condition
from voicewright.store.keys import calibration_key
from voicewright.store.s3 import S3Store
from voicewright.suite.format.spoken import SpokenCase

PROJECT = "learning"
ANSWERS = (
    ("You are booked for {}.", "Your appointment is on {}.", "pass"),
    ("You are booked for {}.", "We are closed on {}, I am sorry.", "fail"),
    ("The doctor is in on {}.", "Yes, the doctor works on {}.", "pass"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's own judge must not learn from this."""
    monkeypatch.setenv("VOICEWRIGHT_JUDGE_PROJECT", PROJECT)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Decisions of five runs on sixty answers."""
    file = tmp_path / "decided.jsonl"
    lines = [
        {
            "expected": expected.format(day), "actual": actual.format(day), "label": label, "group": f"run-{run}",
            "question": "Can I come that day?", "condition": "recognised",
        }
        for run in range(4)
        for day in DAYS
        for expected, actual, label in ANSWERS
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def test_a_calibration_is_shown_and_kept_beside_the_old_one(stack: LocalStack, pairs: Path) -> None:
    store = S3Store(stack.settings)
    tried = stack.cli("judge", "calibrate", "--pairs", str(pairs), "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "60 decisions" in tried.stdout
    assert "nothing was stored" in tried.stdout
    assert store.get_if_present(calibration_key(PROJECT, "current")) is None
    for version in (1, 2):
        made = stack.cli("judge", "calibrate", "--pairs", str(pairs))
        assert made.returncode == 0, made.stderr
        assert f"stored as version {version}" in made.stdout
        assert {line.split()[0] for line in made.stdout.splitlines()} >= {"before", "after"}
    kept = [json.loads(store.get(calibration_key(PROJECT, f"{version:04d}"))) for version in (1, 2)]
    assert [one["version"] for one in kept] == [1, 2]
    assert len(kept[0]["record"]) == 60
    assert "Monday" not in json.dumps(kept)  # probabilities and labels, no words


def test_too_few_decisions_are_said_to_be_too_few(stack: LocalStack, pairs: Path) -> None:
    pairs.write_text("\n".join(pairs.read_text().splitlines()[:5]))
    refused = stack.cli("judge", "calibrate", "--pairs", str(pairs))
    assert refused.returncode == 2
    assert "at least 20 are needed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_risk_that_is_none_is_refused(stack: LocalStack, pairs: Path) -> None:
    refused = stack.cli("judge", "eval", str(pairs), "--risk", "0")
    assert refused.returncode == 2
    assert "--risk" in refused.stderr


def decided(verdict: str, *outcomes: CheckOutcome) -> CaseResult:
    checks = tuple(
        Check(
            kind=CheckKind.MEANING, turn=turn, outcome=outcome, hard=False, expected=f"expected {turn}",
            actual=f"actual {turn}", evidence="", confidence=0.5,
        )
        for turn, outcome in enumerate(outcomes)
    )  # fmt: skip
    return CaseResult(
        run_id="run-a",
        suite=SuiteRef(name="clinic", version="1"),
        key=CaseKey(case="a", language="en"),
        workflow_id="run-a/a/en/1",
        outcome=Outcome.PASSED,
        verdict=Verdict(decision=Decision.REVIEW, confidence=0.5, reason="", checks=checks, judge="test"),
        review=ReviewDecision(verdict=verdict, reviewer="Ada", decided_at="2026-01-01T00:00:00Z"),
        started_at="2026-01-01T00:00:00Z",
        ended_at="2026-01-01T00:00:00Z",
    )


UNSURE, SURE = CheckOutcome.UNSURE, CheckOutcome.PASSED
CASE = SpokenCase.model_validate({"id": "a", "turns": [{"say": "One?", "expect": {}}, {"say": "Two?", "expect": {}}]})


def test_a_decision_labels_an_answer_that_was_alone_in_doubt() -> None:
    [failed] = decided_pairs(decided("fail", SURE, UNSURE), CASE)
    assert (failed.expected, failed.actual, failed.label, failed.group) == ("expected 1", "actual 1", "fail", "run-a")
    assert [(pair.question, pair.label) for pair in decided_pairs(decided("pass", UNSURE), CASE)] == [("One?", "pass")]
    [written] = decided_pairs(decided("pass", UNSURE, SURE), CASE, certain={0})
    assert (failed.condition, written.condition) == (Condition.RECOGNISED, Condition.WRITTEN)
    # Passes alone could be told from two in doubt, and would make answers look righter than they are.
    assert decided_pairs(decided("pass", UNSURE, UNSURE), CASE) == []
    assert decided_pairs(decided("fail", UNSURE, UNSURE), CASE) == []
