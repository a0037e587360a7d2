"""Facts are told before a slow answer, no failed check hides another, and each cause is a defect of its own."""

import pytest

from activities.checks.decide import decide
from voicewright.contracts.case import CaseKey, CaseResult, Outcome, SuiteRef
from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome
from voicewright.contracts.verdict import Decision, VerdictSummary
from voicewright.defects.cause import cause_key, failures_of


def failed(kind: str, turn: int | None, evidence: str = "", *, heard: str = "", hard: bool = True) -> Check:
    return Check(
        kind=CheckKind(kind), turn=turn, outcome=CheckOutcome.FAILED, hard=hard, expected=f"{kind} {turn}", actual="",
        heard=(heard,) if heard else (), evidence=evidence or f"wrong {kind}", confidence=0.0,
        breach=Breach.TOO_HIGH if kind.endswith("_ms") else None,
    )  # fmt: skip


def case(*checks: Check) -> CaseResult:
    key = CaseKey(case="order", language="en")
    return CaseResult(
        run_id="r", suite=SuiteRef(name="pizza", version="0" * 64), key=key, workflow_id=f"r/{key}",
        outcome=Outcome.FAILED, verdict=decide(checks, "rules"), started_at="", ended_at="",
    )  # fmt: skip


SLOW = failed("within_ms", 0, "first audio after 4.8 s, allowed 4.0 s")


def test_a_wrong_price_is_told_before_a_slow_answer_and_neither_hides_the_other() -> None:
    price = failed("amount", 2, "amount: expected 14 USD, heard 40 USD", heard="40 USD")
    gone = failed("conversation", None, "the agent hung up")
    reason = decide([SLOW, gone, price], "rules").reason
    assert reason == (
        "turn 3: amount: expected 14 USD, heard 40 USD; conversation: the agent hung up; "
        "turn 1: within_ms: first audio after 4.8 s, allowed 4.0 s"
    )
    assert VerdictSummary.of(decide([SLOW, gone, price], "rules"), None).headline.startswith("failed: amount in turn 3")


def test_what_a_judge_fails_softly_is_told_beside_what_is_certain() -> None:
    verdict = decide([SLOW, failed("meaning", 1, "other meaning", hard=False)], "rules")
    assert (verdict.decision, verdict.confidence) == (Decision.FAIL, 0.0)
    assert verdict.reason.startswith("turn 2: other meaning; turn 1: within_ms")


def test_a_reason_stays_readable_however_much_is_wrong() -> None:
    reason = decide([failed("time", turn, "x" * 20_000) for turn in range(30)], "rules").reason
    assert len(reason) < 5_000
    assert reason.endswith("; and 20 more")


def test_doubts_are_told_facts_first_too() -> None:
    unsure = [one.model_copy(update={"outcome": CheckOutcome.UNSURE}) for one in (SLOW, failed("name", 1))]
    assert decide(unsure, "rules").reason.startswith("turn 2: wrong name")


@pytest.mark.parametrize(
    ("checks", "kinds"),
    [
        # Two bugs of one call, and both are late: a defect for each, and one for the delay.
        (
            [SLOW, failed("within_ms", 1), failed("amount", 1, heard="40"), failed("time", 3, heard="10:30")],
            ["amount@2", "time@4", "within_ms@1"],
        ),
        # A wrong time is also another meaning, and lacks the words that were to be heard.
        ([failed("contains", 1), failed("time", 1, heard="8"), failed("meaning", 1, hard=False)], ["time@2"]),
        # Two wrong values in one answer are two mistakes; an answer without any value lacks all of them at once.
        ([failed("date", 1, heard="3 June"), failed("number", 1, heard="7")], ["date@2", "number@2"]),
        ([failed("date", 1), failed("number", 1), failed("contains", 1)], ["date@2"]),
        # A wrong value beside a missing one: what is missing follows from what was said instead.
        ([failed("number", 1), failed("date", 1, heard="3 June")], ["date@2"]),
        # Waiting long is one cause, by whatever limit it shows; what is measured otherwise is another.
        ([failed("latency_p95_ms", None), failed("dead_air_ms", None), SLOW], ["within_ms@1"]),
        ([failed("dead_air_ms", None), failed("clipping", None)], ["dead_air_ms", "clipping"]),
        ([failed("meaning", 1, hard=False), failed("rubric", 1, hard=False)], ["meaning@2"]),
        ([failed("meaning", 1, hard=False), failed("time", 2, heard="8")], ["time@3", "meaning@2"]),
        ([failed("intent", 1), failed("meaning", 1, hard=False)], ["intent@2"]),
    ],
)
def test_a_defect_per_cause(checks: list[Check], kinds: list[str]) -> None:
    found = failures_of(case(*checks))
    assert [one.signature.check for one in found] == kinds
    assert len({one.defect_id for one in found}) == len(found)


def test_two_late_cases_with_other_bugs_share_the_delay_and_nothing_else() -> None:
    one = failures_of(case(SLOW, failed("amount", 1, heard="40")))
    other = failures_of(case(SLOW, failed("name", 1, heard="Bob")))
    assert {failure.defect_id for failure in one} & {failure.defect_id for failure in other} == {one[1].defect_id}
    assert one[1].cause == cause_key(SLOW)


def test_a_case_shows_at_most_ten_defects_and_at_least_one() -> None:
    assert len(failures_of(case(*(failed("contains", turn) for turn in range(40))))) <= 10
    [human] = failures_of(case())
    assert human.signature.check == "review"
