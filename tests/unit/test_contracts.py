"""Small rules of the shared language."""

import json

import pytest

from voicewright.contracts.case import CaseKey, CasePhase, CaseRequest, CaseUpdate, Outcome, SuiteRef
from voicewright.contracts.review import ReviewDecision, ReviewSubmission, ReviewVerdict, refusal
from voicewright.contracts.run import RunRequest, RunState, read_run_request
from voicewright.duration import parse_duration_ms
from voicewright.runtime.exit import ExitCode, exit_code
from voicewright.store.keys import case_key, run_key


@pytest.mark.parametrize(
    ("counts", "still_open", "code"),
    [
        ({Outcome.PASSED: 3}, 0, ExitCode.PASSED),
        ({Outcome.PASSED: 3, Outcome.FAILED: 1, Outcome.ERRORED: 1}, 1, ExitCode.FAILED),
        ({Outcome.ERRORED: 1, Outcome.UNREVIEWED: 1}, 0, ExitCode.ERRORED),
        ({Outcome.UNREVIEWED: 1}, 0, ExitCode.REVIEW_PENDING),
        ({Outcome.PASSED: 1}, 1, ExitCode.REVIEW_PENDING),
    ],
)
def test_exit_codes(counts: dict[Outcome, int], still_open: int, code: ExitCode) -> None:
    assert exit_code(counts, still_open=still_open) is code


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"suit": "clinic"}, "`suite` is missing"),
        ({"suit": "clinic"}, "unknown field `suit`: did you mean `suite`?"),
        ({"suite": "clinic", "tag": ["x"]}, "did you mean `tags`?"),
        ("clinic", "type an object such as"),
        (None, "needs an input such as"),
        ({}, "needs an input such as"),
        ({"suite": "clinic", "repeats": 0}, "`repeats`"),
        ({"suite": ""}, "`suite`"),
    ],
)
def test_a_run_request_typed_badly_is_explained(typed: object, says: str) -> None:
    with pytest.raises(ValueError, match="(?s).*") as caught:
        read_run_request(typed)
    assert says in str(caught.value)


def test_the_smallest_run_request() -> None:
    assert read_run_request({"suite": "clinic"}) == RunRequest(suite="clinic")


def test_contracts_ignore_what_a_newer_version_adds_but_a_run_request_does_not() -> None:
    key = CaseKey.model_validate({"case": "a", "language": "en", "repeat": 2, "new": 1})
    assert str(key) == "a/en/2"
    with pytest.raises(ValueError, match="filter"):
        RunRequest.model_validate({"suite": "a", "filter": 1})


def test_keys_cannot_escape_their_folder() -> None:
    assert run_key("../../etc", "x.json") == "runs/..%2F..%2Fetc/x.json"
    assert run_key("..", "x.json") == "runs/%2E%2E/x.json"
    assert case_key("r", CaseKey(case="c", language="en"), "f") == "runs/r/cases/c/en/1/f"


def test_starting_a_case_twice_is_one_workflow_id() -> None:
    request = CaseRequest(run_id="run-1", suite=SuiteRef(name="s", version="v"), key=CaseKey(case="a", language="en"))
    assert request.workflow_id == "run-1/a/en/1"
    assert json.loads(request.model_dump_json())["key"]["repeat"] == 1


def test_refusals_say_why() -> None:
    good = ReviewSubmission(verdict="pass", reviewer="Ada")
    decided = ReviewDecision(verdict=ReviewVerdict.PASS, reviewer="Bob", decided_at="2026-01-01")
    assert refusal(good, decided=None, waiting=True) is None
    assert "already decided" in str(refusal(good, decided=decided, waiting=False))
    assert "does not wait" in str(refusal(good, decided=None, waiting=False))
    assert "reviewer's name" in str(refusal(ReviewSubmission(verdict="pass"), decided=None, waiting=True))
    assert '"pass", "fail", "edge_case" or "second_opinion"' in str(
        refusal(ReviewSubmission(verdict="ok", reviewer="A"), decided=None, waiting=True)
    )


def test_durations() -> None:
    assert parse_duration_ms("90s") == 90_000
    assert parse_duration_ms("1.5h") == 5_400_000
    with pytest.raises(ValueError, match="such as 90s"):
        parse_duration_ms("90")


def test_a_run_in_which_thousands_wait_for_people_fits_into_a_payload() -> None:
    key = CaseKey(case="a-case-with-quite-a-long-name", language="en", profile="noisy-street")
    waiting = [
        CaseUpdate(key=key.model_copy(update={"repeat": number}), phase=CasePhase.REVIEWING, duration_ms=number)
        for number in range(50_000)
    ]
    state = RunState(in_flight={str(one.key): one for one in waiting}, started_at="2026-11-29T05:00:00+00:00")
    message = state.to_message().model_dump_json()
    assert len(message) < 1_000_000
    assert RunState.model_validate_json(message).from_message() == state
    few = RunState(in_flight={str(one.key): one for one in waiting[:3]})
    assert few.to_message() is few
