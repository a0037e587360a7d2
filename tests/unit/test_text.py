"""Text from outside has a size and harms nobody."""

import json
from xml.etree import ElementTree as ET

import pytest

from voicewright.contracts.call import CallEvent, CallEventKind
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.review import MAX_NOTE, ReviewSubmission, refusal
from voicewright.contracts.text import MAX_PASSAGE, clean, cut
from voicewright.contracts.verdict import Decision, Verdict, VerdictSummary


@pytest.mark.parametrize("unfit", ["\x00", "\x1b", "\x7f", "\x9b", "\ud83d", "\ufffe", "\uffff", "\U0001fffe"])
def test_what_no_encoder_or_document_takes_is_replaced(unfit: str) -> None:
    safe = clean(f"a{unfit}b")
    assert safe == "a\ufffdb"
    assert ET.fromstring(f"<t>{safe}</t>".encode()).text == safe  # noqa: S314 - made here


@pytest.mark.parametrize("fit", ["tab\tline\r\n", "naïve 東京 😀", "שלום", "zero\u200dwidth"])
def test_what_people_write_stays(fit: str) -> None:
    assert clean(fit) == fit


def test_what_is_cut_says_so_and_is_cut_once() -> None:
    short = cut("x" * 5000, 100)
    assert len(short) == 100
    assert short.endswith(" [... 4,900 more characters]")
    assert cut(short, 100) == short


def test_what_an_agent_says_has_a_size_in_every_field() -> None:
    said = "word " * 1_000_000
    event = CallEvent(kind=CallEventKind.ANSWER, value=said, at_ms=0)
    check = Check(
        kind=CheckKind.CONTAINS, turn=0, outcome=CheckOutcome.FAILED, hard=True, expected="a", actual=said,
        evidence=said, heard=(said,), confidence=0.0,
    )  # fmt: skip
    verdict = Verdict(decision=Decision.FAIL, confidence=0.0, reason=said, checks=(check,))
    assert len(event.value) == MAX_PASSAGE
    assert len(verdict.model_dump_json()) < 5 * MAX_PASSAGE


@pytest.mark.parametrize(
    ("submission", "wrong"),
    [
        (ReviewSubmission(verdict="pass", reviewer="Ada", note="x" * (MAX_NOTE + 1)), "the note is too long"),
        (ReviewSubmission(verdict="pass", reviewer="Ada", note="x" * 2_100_000), "the note is too long"),
        (ReviewSubmission(verdict="pass", reviewer="A" * 500), "name is too long"),
        (ReviewSubmission(verdict="p" * 1_000_000, reviewer="Ada"), "must be"),
    ],
)
def test_a_decision_that_is_too_long_is_refused_in_few_words(submission: ReviewSubmission, wrong: str) -> None:
    reason = refusal(submission, decided=None, waiting=True)
    assert reason is not None
    assert wrong in reason
    assert len(reason) < 300
    assert (
        refusal(ReviewSubmission(verdict="pass", reviewer="Ada", note="x" * MAX_NOTE), decided=None, waiting=True)
        is None
    )


def test_a_summary_of_a_verdict_holds_nothing_that_was_said() -> None:
    check = Check(
        kind=CheckKind.TIME, turn=1, outcome=CheckOutcome.FAILED, hard=True, expected="5 pm", actual="SECRET",
        evidence="heard SECRET", heard=("SECRET",), confidence=0.0,
    )  # fmt: skip
    other = check.model_copy(update={"kind": CheckKind.OVERLAP, "turn": None, "outcome": CheckOutcome.PASSED})
    verdict = Verdict(decision=Decision.FAIL, confidence=0.0, reason="time: heard SECRET", checks=(other, check))
    summary = VerdictSummary.of(verdict, None)
    assert "SECRET" not in summary.model_dump_json()
    assert summary.headline == "failed: time in turn 2"
    assert [line.kind for line in summary.checks] == [CheckKind.TIME, CheckKind.OVERLAP]


def test_a_verdict_in_the_history_of_an_older_worker_is_kept_whole() -> None:
    verdict = Verdict(decision=Decision.REVIEW, confidence=0.4, reason="unsure of the day", judge="rules 4")
    summary = VerdictSummary.model_validate(json.loads(verdict.model_dump_json()))
    assert summary.whole == verdict
    assert VerdictSummary.model_validate_json(summary.model_dump_json()) == summary
