"""The judge of meaning with its real models, and the arithmetic of its risk."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voicewright.contracts.check import FindingKind
from voicewright.judge.contradictions import Rule
from voicewright.judge.evidence import evidence_lines, findings_of, reason_text
from voicewright.judge.facts import match_number
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.metrics import wilson
from voicewright.judge.model.calibration_set import Bucket, CalibrationRow, ResponseType, Thresholds, bucket_of
from voicewright.judge.model.features import NAMES
from voicewright.judge.model.project_calibration import fit_calibration
from voicewright.judge.model.reading import read
from voicewright.judge.model.thresholds import Threshold, choose_threshold, upper_bound
from voicewright.judge.pair import Condition, Pair, styled
from voicewright.judge.text.phrases import contains
from voicewright.judge.text.words import words
from voicewright.judge.training.fit import platt_lines
from voicewright.judge.verdict import Judgement, MeaningVerdict, ReviewReason, RiskPolicy

BUCKET = Bucket("en", ResponseType.SENTENCE, Condition.RECOGNISED)


@pytest.fixture(scope="module")
def judge() -> MeaningJudge:
    return MeaningJudge(policy=RiskPolicy(risk=0.02))


def say(judge: MeaningJudge, expected: str, actual: str, **more: Any) -> Judgement:
    return judge.judge([Pair(expected, actual, condition=Condition.RECOGNISED, **more)])[0]


BOOKED = "You are booked with Doctor Adams on Tuesday at nine thirty. Is there anything else?"


def test_the_same_in_other_words_is_likely_and_another_value_is_not(judge: MeaningJudge) -> None:
    same = say(judge, BOOKED, "Your appointment with Doctor Adams is on Tuesday at 9.30. Anything else?")
    other = say(judge, BOOKED, "You are booked with Doctor Adams on Tuesday at 9.45. Is there anything else?")
    assert same.p_pass > 0.8
    assert other.p_pass < 0.2
    assert other.verdict is not MeaningVerdict.PASS
    assert "time: expected 9 30, heard 9.45" in evidence_lines(other)


def test_denial_is_seen(judge: MeaningJudge) -> None:
    judged = say(
        judge, "Yes, the flat is furnished and pets are allowed.", "The flat is not furnished, but pets are allowed."
    )
    assert judged.verdict is not MeaningVerdict.PASS
    assert any("furnish" in line for line in evidence_lines(judged))


def test_an_explanation_is_for_a_person(judge: MeaningJudge) -> None:
    long = " ".join(["The window grows by one segment for every acknowledgement that arrives in time"] * 5)
    judged = say(judge, long, f"Well, {long}")
    assert judged.verdict is MeaningVerdict.REVIEW
    assert judged.reason is ReviewReason.TOO_LONG


def test_a_language_without_labels_is_for_a_person_and_says_so(judge: MeaningJudge) -> None:
    judged = say(judge, "Sie haben am Dienstag einen Termin.", "Ihr Termin ist am Dienstag.", language="de")
    assert judged.verdict is MeaningVerdict.REVIEW
    assert judged.reason is ReviewReason.FEW_LABELS


def test_word_for_word_needs_no_model(judge: MeaningJudge) -> None:
    judged = say(judge, "Riverside Clinic, good morning.", "riverside clinic good morning")
    assert (judged.verdict, evidence_lines(judged)) == (MeaningVerdict.PASS, ["said word for word"])


@pytest.mark.parametrize(
    ("expected", "actual", "evidence"),
    [
        (
            "We are open on public holidays.",
            "We are closed on public holidays.",
            "opposite: expected open, heard closed",
        ),
        ("Dogs are allowed in the waiting room.", "Dogs are not allowed in the waiting room.", "denied in only one"),
        (
            "The room is available on Monday.",
            "The room is unavailable on Monday.",
            "only one of the two has a negation",
        ),
        (
            "Your appointment on Monday has been cancelled.",
            "Your appointment on Monday has been cancelled. We will charge you a fee of twenty five dollars.",
            "amount: heard 25 dollars, not expected",
        ),
        (
            "Parking is free in front of the house.",
            "Parking is free in front of the house. Parking is free in front of the house.",
            "said twice: parking is free in",
        ),
        (
            "And at what time on Wednesday?",
            "And at what time on Wednesday? Mary Thompson comes in for her knee at nine.",
            "name: heard Mary Thompson, not expected",
        ),
        (
            "The doctor will see you on Monday.",
            "The doctor will see you on Monday after Mrs. Bell.",
            "name: heard Mrs Bell, not expected",
        ),
        ("It is one bedroom and two baths.", "It is three bedrooms and two baths.", "expected 1, heard 3"),
    ],
)
def test_what_contradicts_never_passes_by_itself(
    judge: MeaningJudge, expected: str, actual: str, evidence: str
) -> None:
    """However alike the words: at any risk, with a question that the data know."""
    [judged] = judge.judge([Pair(expected, actual, "Can you tell me about it?", condition=Condition.WRITTEN)], 0.2)
    assert judged.verdict is not MeaningVerdict.PASS
    assert any(evidence in line for line in evidence_lines(judged)), judged.findings


@pytest.mark.parametrize(
    ("expected", "actual", "language"),
    [
        ("The temperature will be -5 degrees.", "the temperature will be 5 degrees", "en"),
        ("It costs ₹500.", "It costs ¥500", "en"),
        ("He/she will call you back on Monday at nine.", "he", "en"),
        ("That is $5 in total.", "That is 5 dollars and 50 cents in total.", "en"),
        ("一共110元。", "一共10元。", "zh"),
    ],
)
def test_what_looks_alike_is_not_the_same(judge: MeaningJudge, expected: str, actual: str, language: str) -> None:
    pair = Pair(expected, actual, "How much?", language, condition=Condition.WRITTEN)
    assert judge.judge([pair], 0.02)[0].verdict is not MeaningVerdict.PASS


def test_a_calibration_moves_shipped_thresholds_along() -> None:
    """Answers of a bucket without decisions are decided as before, whatever was learnt elsewhere."""
    other = Bucket("en", ResponseType.UNASKED, Condition.RECOGNISED)
    passed = [
        CalibrationRow(other, 0.55 + number / 400, passed=number % 8 > 0, forbids_pass=False) for number in range(60)
    ]
    failed = [CalibrationRow(other, 0.2 + number / 400, passed=False, forbids_pass=False) for number in range(30)]
    own = fit_calibration(passed + failed, 1)
    shipped = Thresholds(Threshold(0.9, 1000, 0, 0.003), Threshold(0.95, 1000, 0, 0.003))
    moved = own.thresholds(shipped, BUCKET, RiskPolicy())
    p = np.linspace(0.001, 0.999, 500)
    mine = own.probability(p)
    assert moved.passing is not None
    assert moved.failing is not None
    assert not np.allclose(mine, p, atol=0.01)
    assert np.array_equal(mine >= moved.passing.at, p >= 0.9)
    assert np.array_equal(1 - mine >= moved.failing.at, 1 - p >= 0.95)


def test_numbers_are_found_whole() -> None:
    assert not contains("一共110元", "10元", "zh")
    assert contains("一共10元", "10元", "zh")
    assert words("十一十二点", "zh")  # two numbers that ran into each other are no reason to die
    assert not match_number("1234", "12 tickets at 34 dollars", "en").found
    assert not match_number("1234", "code 512345", "en").found
    assert match_number("555 0147", "call 5 5 5, 0 1 4 7 please", "en").found


def test_a_denial_in_other_words_does_not_fail_by_itself(judge: MeaningJudge) -> None:
    asked = "Is it a good time to come?"
    pair = Pair("This is not a good time.", "This is a bad time.", asked, condition=Condition.WRITTEN)
    [judged] = judge.judge([pair], 0.2)
    assert judged.verdict is MeaningVerdict.REVIEW


def test_thirteen_for_thirty_may_be_our_own_ears() -> None:
    heard, written = (
        read(Pair("You come at 9:30.", "You come at 9:13.", condition=one))
        for one in (Condition.RECOGNISED, Condition.WRITTEN)
    )
    assert heard.forbids_pass
    assert heard.forbids_fail
    assert not written.forbids_fail
    assert not read(Pair("You come at 9:30.", "You come at 10:30.", condition=Condition.RECOGNISED)).forbids_fail


@pytest.mark.parametrize(
    ("expected", "heard", "misheard"),
    [
        ("Call 415-863-9335.", "Call 415-863-935.", True),
        ("Call 415-863-9335.", "Call 415-863-9435.", False),
        ("Call 415-863-9335.", "Call 415-863-93.", False),
        ("It is on October 2nd.", "It is on November 2nd.", False),
        ("It leaves at 11:20 am.", "It leaves at 12:20 pm.", False),
        ("The deposit is $100.", "The deposit is $1,100.", False),
        ("It is room 150.", "It is room 1150.", False),
        ("That is $204 in total.", "That is $2004 in total.", True),
        ("That is $200 in total.", "That is $2000 in total.", False),
        ("It is 55 dollars.", "It is 5 dollars.", False),
    ],
)
def test_a_figure_said_twice_and_heard_once_may_be_our_own_ears(expected: str, heard: str, misheard: bool) -> None:
    assert read(Pair(expected, heard, condition=Condition.RECOGNISED)).misheard is misheard


def test_an_example_need_not_be_said(judge: MeaningJudge) -> None:
    asked, heard = "Can I come another day?", "No, you can not come on any other day."
    wanted = "Yes, you can come on another day"
    plain, exemplified = judge.judge(
        [
            Pair(expected, heard, asked, condition=Condition.WRITTEN)
            for expected in (f"{wanted}.", f"{wanted}, e.g. on Friday at 9:30.")
        ],
        0.02,
    )
    assert plain.verdict is MeaningVerdict.FAIL
    assert (exemplified.verdict, exemplified.reason) == (MeaningVerdict.REVIEW, ReviewReason.EXAMPLE)


def test_a_question_unlike_the_data_is_for_a_person(judge: MeaningJudge) -> None:
    about = "What requirement has to be met to use the sliding window protocol with piggybacking?"
    answer = "Both parties must send data."
    [judged] = judge.judge([Pair(answer, "Both of them have to send some data.", about, condition=Condition.WRITTEN)])
    assert judged.verdict is MeaningVerdict.REVIEW
    assert judged.reason is ReviewReason.OUT_OF_DISTRIBUTION


def test_what_is_said_without_a_question_is_for_a_person(judge: MeaningJudge) -> None:
    judged = say(judge, "Riverside Clinic, good morning.", "Good morning, this is the clinic at the river.")
    assert judged.verdict is MeaningVerdict.REVIEW
    assert "unasked" in reason_text(judged)


def test_the_recognisers_doubt_is_a_feature() -> None:
    sure, unsure = (
        read(Pair("See Doctor Adams.", "See doctor Atoms.", condition=Condition.RECOGNISED, confidence=confidence))
        for confidence in ((0.9, 0.9, 0.9), (0.9, 0.9, 0.2))
    )
    at = NAMES.index("confidence_extra_least")
    assert [float(one.features[at]) for one in (sure, unsure)] == pytest.approx([0.9, 0.2])
    assert np.isnan(read(Pair("a", "b")).features[at])


def test_thousands_are_counted_alike_with_and_without_a_comma() -> None:
    assert not read(Pair("It is at 1290 San Tomas Road.", "It is at 1,290 San Tomas Road.")).forbids_pass
    assert read(Pair("It is at 1290 San Tomas Road.", "It is at 1,390 San Tomas Road.")).forbids_pass
    assert not read(Pair("One is at 2400 Shady Willow Lane.", "Try the one at 2,400 Shady Willow Lane.")).forbids_pass


def test_a_name_that_was_asked_about_or_may_be_one_misheard_is_no_stranger() -> None:
    def strangers(expected: str, actual: str, question: str = "") -> tuple[str, ...]:
        return tuple(found.heard for found in read(Pair(expected, actual, question)).by_rule(Rule.STRANGER))

    assert strangers("Yes, he is in on Monday.", "Yes, Adam Hall is in on Monday.") == ("Adam Hall",)
    assert strangers("Yes, he is in on Monday.", "Yes, Adam Hall is in on Monday.", "Is Adam Hall in?") == ()
    assert strangers("Yes, Adan Haul is in on Monday.", "Yes, Adam Hall is in on Monday.") == ()
    assert strangers("Yes, Mister Pappandreo is in on Monday.", "Yes, Papa Andrew is in on Monday.") == ()
    assert strangers("Yes, he is in on Monday.", "Yes, he is in. On Monday And Tuesday.") == ()
    assert strangers("Yes, come on Monday at nine.", "Yes, come on Monday. Mary Thompson comes at nine.") != ()
    assert (
        strangers("And at what time do you come tomorrow?", "At what time? I have Mary Thompson's knee at nine.") != ()
    )
    assert (
        strangers("And at what time do you come tomorrow?", "Tomorrow at what time? Tomorrow Mary Thompson comes.")
        != ()
    )


def test_silence_is_a_fail(judge: MeaningJudge) -> None:
    assert say(judge, BOOKED, " ").verdict is MeaningVerdict.FAIL


def test_a_smaller_risk_never_decides_more(judge: MeaningJudge) -> None:
    bucket = Bucket("en", ResponseType.SENTENCE, Condition.WRITTEN)
    loose, strict = (judge.thresholds(bucket, RiskPolicy(risk=risk)) for risk in (0.05, 0.01))
    assert loose.passing is not None
    assert strict.passing is None or strict.passing.at >= loose.passing.at
    assert judge.thresholds(bucket, RiskPolicy(risk=0.0001)) == Thresholds(None, None)


def test_costs_make_the_dearer_error_rarer_and_nothing_looser() -> None:
    dear = RiskPolicy(risk=0.01, false_pass_cost=4)
    assert (dear.passing, dear.failing) == (0.0025, 0.01)


def test_the_bound_is_the_exact_one() -> None:
    assert upper_bound(0, 1000, 0.95) == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert upper_bound(3, 3, 0.95) == 1.0
    low, high = wilson(1277, 1277)
    assert low == pytest.approx(0.997, abs=1e-4)
    assert high == 1.0


def test_the_chosen_threshold_keeps_the_risk_in_nearly_all_draws() -> None:
    """Verdicts whose true share of errors is known exactly: the method may exceed the risk in 5 % of draws."""
    rng = np.random.default_rng(3)
    over = chosen = 0
    for _ in range(300):
        scores = rng.random(1200)
        wrong = rng.random(1200) < 0.2 * (1 - scores)
        found = choose_threshold(scores, wrong, 0.05, 0.95)
        if found is not None:
            chosen += 1
            over += 0.2 * (1 - (1 + found.at) / 2) > 0.05  # mean error above the threshold
    assert chosen > 200
    assert over / 300 <= 0.05


def test_decisions_that_contradict_the_judge_take_its_verdicts_away() -> None:
    rows = [CalibrationRow(BUCKET, 0.99, passed=number % 2 == 0, forbids_pass=False) for number in range(60)]
    own = fit_calibration(rows, 1)
    shipped = Thresholds(Threshold(0.4, 1000, 0, 0.003), None)
    assert own.thresholds(shipped, BUCKET, RiskPolicy()).passing is None
    assert own.probability(np.array([0.99]))[0] == pytest.approx(0.5, abs=0.1)


def test_buckets_go_by_length_language_and_condition() -> None:
    assert bucket_of(Pair("Paris", "It is Paris.", "Which city?")).response is ResponseType.BARE
    assert (
        bucket_of(Pair("It opens at eight every day.", "आठ बजे", language="hi", expected_language="en")).language
        == "across"
    )
    assert styled("you are booked for tuesday") is Condition.UNKNOWN
    assert styled("You are booked.") is Condition.WRITTEN


@pytest.mark.parametrize(
    ("expected", "actual", "language", "conflicts"),
    [
        ("It costs $250.", "that is two hundred fifty dollars", "en", []),
        ("a las 9:30", "a las nueve y media", "es", []),
        ("um 9:30 Uhr", "um halb zehn", "de", []),
        ("à 9h30", "à neuf heures et demie", "fr", []),
        ("九点半", "9:30", "zh", []),
        ("Call 555-0147-22.", "call five five five zero one four seven two two", "en", []),
        ("The code is A B 1 2.", "the code is a b 1 3", "en", ["code: expected a b 1 2, heard a b 1 3"]),
        ("20 percent", "twenty five per cent", "en", ["percentage: expected 20 percent, heard 25 per cent"]),
        ("on March 3rd", "on the 4th of March", "en", ["date: expected march 3rd, heard 4th of march"]),
        ("It takes half an hour.", "it takes thirty minutes", "en", []),
    ],
)
def test_facts_are_compared_by_value(expected: str, actual: str, language: str, conflicts: list[str]) -> None:
    found = findings_of(read(Pair(expected, actual, language=language)))
    values = {FindingKind.OTHER_VALUE, FindingKind.VALUE_MISSING, FindingKind.VALUE_ADDED}
    assert [f"{one.of}: expected {one.expected}, heard {one.heard}" for one in found if one.kind in values] == conflicts


def evaluate(tmp_path: Path, lines: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "voicewright.judge", "eval", str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_eval_writes_a_verdict_a_line_and_a_table(tmp_path: Path) -> None:
    pair = {"expected": BOOKED, "actual": BOOKED, "label": "pass"}
    wrong = {**pair, "actual": "Sorry, we are closed on Tuesday.", "label": "fail"}
    ruled = {**pair, "rules": {"absent": ["Adams"]}, "label": "fail"}
    done = evaluate(tmp_path, [json.dumps(one) for one in (pair, wrong, ruled)])
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(one) >= {"p_pass", "verdict", "evidence"} for one in said] == [True] * 3
    assert said[1]["p_pass"] < 0.5 < said[0]["p_pass"]
    assert said[2]["verdict"] == "fail"
    assert "ROC-AUC" in done.stderr


def test_eval_reads_what_windows_writes_and_names_as_text(tmp_path: Path) -> None:
    pair = {"expected": BOOKED, "actual": BOOKED, "label": "pass", "source": "[red]x[/] [/b]"}
    done = evaluate(tmp_path, ["\N{ZERO WIDTH NO-BREAK SPACE}" + json.dumps(pair)])
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr
    assert "[red]x[/] [/b]" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "pairs.jsonl"], "would overwrite the pairs that are read"),
        (["--plot", "nowhere/judge.png"], "there is no such folder"),
        (["--out", "."], "is a folder"),
    ],
)
def test_eval_writes_over_nothing(tmp_path: Path, options: list[str], message: str) -> None:
    line = json.dumps({"expected": "a", "actual": "b"})
    done = evaluate(tmp_path, [line], options[0], str(tmp_path / options[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert (tmp_path / "pairs.jsonl").read_text() == line


def test_eval_leaves_the_last_verdicts_alone_when_a_line_is_bad(tmp_path: Path) -> None:
    (tmp_path / "verdicts.jsonl").write_text("kept")
    done = evaluate(tmp_path, ['{"expected": "a"}'], "--out", str(tmp_path / "verdicts.jsonl"))
    assert done.returncode == 2
    assert (tmp_path / "verdicts.jsonl").read_text() == "kept"


@pytest.mark.parametrize(
    ("confidence", "message"),
    [([0.9], "1 confidences for 3 words"), ([0.9, 95, 0.9], "confidence.1"), ([-1, 1, 1], "confidence.0")],
)
def test_eval_refuses_confidences_that_are_none(tmp_path: Path, confidence: list[float], message: str) -> None:
    done = evaluate(tmp_path, [json.dumps({"expected": "a", "actual": "one two three", "confidence": confidence})])
    assert done.returncode == 2
    assert message in done.stderr


def test_eval_names_the_line_that_it_cannot_read(tmp_path: Path) -> None:
    done = evaluate(tmp_path, [json.dumps({"expected": "a", "actual": "b"}), '{"expected": "a"}'])
    assert done.returncode == 2
    assert "line 2: actual" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("sure", "verdict"), [(0.99, False), (0.4, True)])
def test_a_fail_that_hangs_on_a_doubtful_value_is_for_people(sure: float, verdict: bool) -> None:
    heard = "The flat is at 125 Russell Avenue"
    confidence = tuple(sure if word == "125" else 0.95 for word in heard.split())
    pair = Pair("The flat is at 825 Russell Avenue", heard, condition=Condition.RECOGNISED, confidence=confidence)
    reading = read(pair)
    assert reading.forbids_pass
    assert reading.forbids_fail is verdict
    assert dict(zip(NAMES, reading.features, strict=True))["confidence_conflict"] == pytest.approx(sure)
    assert not read(Pair(pair.expected, heard, condition=Condition.RECOGNISED)).forbids_fail


@pytest.mark.parametrize(
    ("heard", "expected"),
    [("It leaves at $7.45 p.m.", "It leaves at 9:45 pm."), ("It is $100 $4", "It is $140.")],
)
def test_a_value_in_a_recognisers_own_spelling_is_doubted_too(heard: str, expected: str) -> None:
    confidence = tuple(0.2 if "$" in word else 0.95 for word in heard.split())
    assert read(Pair(expected, heard, condition=Condition.RECOGNISED, confidence=confidence)).doubtful


@pytest.mark.parametrize(
    ("expected", "heard", "misheard"),
    [
        ("It is 825 Russell Avenue.", "It is 125 Russell Avenue.", True),
        ("The rent is $2,750.", "The rent is $2,700.", True),
        ("It plays at 11 pm.", "It plays at 8.30 pm.", False),
        ("It plays at 11 pm on March 3rd.", "It plays at 8.30 pm on March 30th.", False),
        ("There is a 9 percent chance.", "There is a 7% chance.", False),
        ("It is $400 in all.", "It is $40 in all.", False),
        ("Come on Monday.", "Come on Friday.", False),
        ("Come on Tuesday.", "Come on Thursday.", True),
        ("Come on March 3rd.", "Come on June 3rd.", False),
        ("Come at 3 pm.", "Come at 3 am.", True),
    ],
)
def test_a_doubtful_value_that_sounds_otherwise_was_not_misheard(expected: str, heard: str, misheard: bool) -> None:
    pair = Pair(expected, heard, condition=Condition.RECOGNISED, confidence=(0.4,) * len(heard.split()))
    assert read(pair).doubtful is misheard


def test_few_pairs_are_calibrated_with_their_language() -> None:
    rng = np.random.default_rng(7)
    margins = rng.normal(0, 2, 1600)
    keys = np.array(["zh sentence written"] * 700 + ["zh bare fact written"] * 100 + ["across sentence written"] * 800)
    passed = rng.random(1600) < 1 / (1 + np.exp(-np.where(np.arange(1600) < 800, 0.4, 2.0) * margins))
    lines = platt_lines(margins, passed, keys)
    assert lines["zh sentence written"][0] == pytest.approx(0.4, abs=0.1)
    assert lines["zh bare fact written"][0] == pytest.approx(0.4, abs=0.1)
    assert lines["zh bare fact written"] != lines["zh sentence written"]
    assert lines["across sentence written"][0] == pytest.approx(2.0, abs=0.4)


@pytest.mark.parametrize(
    ("one", "other"), [("cancelled", "canceled"), ("labelled", "labeled"), ("travelled", "traveled")]
)
def test_a_verb_in_two_spellings_is_one_tense(one: str, other: str) -> None:
    expected, actual = f"Your parcel has been {one} already.", f"Your parcel has been {other} already."
    [judged] = MeaningJudge().judge([Pair(expected, actual, condition=Condition.WRITTEN)], 0.05)
    assert not [line for line in evidence_lines(judged) if one in line and other in line and "other word" in line]
    [changed] = MeaningJudge().judge([Pair(expected, "Your parcel will be " + one, condition=Condition.WRITTEN)], 0.05)
    assert changed.verdict is not MeaningVerdict.PASS
