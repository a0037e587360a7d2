"""An expectation that nobody can read, or that nothing can meet, is a mistake; the judge reads the others."""

from collections.abc import Callable

import pytest

from voicewright.judge.facts import Match, match_amount, match_date, match_number, match_time
from voicewright.suite.reading.file import SuiteError, parse_suite
from voicewright.suite.reading.readable import unreadable

MATCHERS: dict[str, Callable[[str, str, str], Match]] = {
    "times": match_time,
    "dates": match_date,
    "amounts": match_amount,
    "numbers": match_number,
}
GOOD = {
    "times": [
        "9:30",
        "9.30",
        "7 pm",
        "7pm",
        "19:30",
        "00:15",
        "24:00",
        "half past nine",
        "Half past 9",
        "a quarter to ten",
        "noon",
        "at midnight",
        "seven thirty",
        "10 to 5",
        "8 o'clock in the morning",
        "four in the afternoon",
        "730",
        "12:05 a.m.",
        "7:05:30",
        "5 past noon",
    ],
    "dates": [
        "Tuesday",
        "Tue",
        "Sun",
        "March 3",
        "3rd of March",
        "2026-03-03",
        "03/21/2026",
        "21.3.2026",
        "3/21",
        "tomorrow",
        "the day after tomorrow",
        "February 29",
        "Dec 31st, 2027",
        "the second of May",
        "Sunday, November 29",
        "2012",
        "March 2026",
        "on Mondays",
        "June",
    ],
    "amounts": [
        "$250",
        "80 euros",
        "50 cents",
        "eighty dollars",
        "a dollar",
        "-$20",
        "1.5 million dollars",
        "USD 20",
        "half a million dollars",
    ],
    "numbers": ["12", "4.5", "AB-1234", "555 0142", "twelve", "minus five", "two dozen", "+1 415 555 0100", "third"],
}
BAD = {
    "times": [
        "half past banana",
        "25:70",
        "25:00",
        "soon",
        "9:75",
        "14 pm",
        "later",
        "half",
        "13:00 pm",
        "half past",
        "tonite",
        "9 bananas",
    ],
    "dates": [
        "Tuesdayy",
        "someday",
        "February 30",
        "31 June",
        "2026-13-01",
        "2026-02-30",
        "32/01/2026",
        "13/13/2026",
        "Foo 3",
        "April 31st",
        "February 29, 2027",
    ],
    "amounts": ["a lot", "cheap", "free", "dollars", "some euros"],
    "numbers": ["many", "a few", "?", "some pills"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_what_the_suite_accepts_the_judge_reads(kind: str, value: str) -> None:
    assert unreadable(kind, value, english=True) == ""
    assert MATCHERS[kind](value, f"It is on {value}.", "en").found


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_what_nobody_can_read_is_refused(kind: str, value: str) -> None:
    assert repr(value) in unreadable(kind, value, english=True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("times", "las nueve y media"), ("dates", "3 de mayo"), ("amounts", "vingt euros"), ("numbers", "deux")],
)
def test_words_of_other_languages_are_for_the_judge(kind: str, value: str) -> None:
    assert unreadable(kind, value, english=False) == ""


def _check(turn: str, languages: str = "[en]") -> list[str]:
    text = (
        "suite: facts\nagent: {channel: media_stream, url: 'ws://127.0.0.1:9/m'}\n"
        f"cases:\n  - {{id: a, languages: {languages}, turns: [{turn}]}}\n"
    )
    try:
        parse_suite(text.encode(), "facts.yaml")
    except SuiteError as error:
        return [problem.at("facts.yaml") for problem in error.problems]
    return []


def test_every_such_mistake_is_shown_at_its_place() -> None:
    problems = _check(
        '{say: "...", expect: {contains: ["!"], absent: {en: ["?!"]}, '
        "entities: {times: [9:30, 24:30], dates: [June 31], amounts: [a lot], numbers: [.inf, many, 7], names: ['1']}}}"
    )
    assert [problem.partition(": ")[2] for problem in problems] == [
        "nothing can be spoken of '...'",
        "nobody can hear '!': give words",
        "nobody can hear '?!': give words",
        "there is no time '24:30'",
        "there is no day 'June 31'",
        "cannot read 'a lot' as a sum of money: write it as $250, 80 euros or 50 cents",
        "nobody can say inf",
        "cannot read 'many' as a number: write figures, as in 12, 4.5 or AB-12",
        "cannot read '1' as a name",
    ]
    assert all(problem.startswith("facts.yaml:4:") for problem in problems)
    assert _check("{say: Hola, expect: {entities: {times: [pronto]}}}", "[es]") == []
    assert len(_check("{say: Hola, expect: {entities: {times: ['25:00']}}}", "[es]")) == 1


@pytest.mark.parametrize("code", ["0142", "007", "-012", "+14155550100"])
def test_a_code_without_quotes_keeps_every_figure(code: str) -> None:
    text = (
        "suite: codes\nagent: {channel: media_stream, url: 'ws://127.0.0.1:9/m'}\n"
        f"cases: [{{id: a, turns: [{{say: My code?, expect: {{entities: {{numbers: [{code}, 10, 0, 0.5]}}}}}}]}}]\n"
    )
    [case] = parse_suite(text.encode(), "codes.yaml").cases
    assert case.turns[0].expect is not None
    assert case.turns[0].expect.entities.numbers == [code, 10, 0, 0.5]
