"""Names that a recogniser is told: which those are, and what they may replace."""

import pytest

from activities.ports import HeardWord
from activities.speech.name_hints import expected_names, names_in, respelled, unheard
from voicewright.suite import Suite


def heard(text: str, confidence: float = 0.6) -> list[HeardWord]:
    return [
        HeardWord(word, number * 0.3, number * 0.3 + 0.2, confidence if word[0].isupper() else 0.95)
        for number, word in enumerate(text.split())
    ]


def text_of(words: list[HeardWord]) -> str:
    return " ".join(word.text for word in words)


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("You can see Doctor Okonkwo at Willowmere House on Tuesday.", "en", ["Doctor Okonkwo", "Willowmere House"]),
        ("The clinic opens at 8 AM on March 3. Anything else?", "en", []),
        ("Okonkwo's surgery is full.", "en", ["Okonkwo"]),
        ("your doctor is okonkwo", "en", ["okonkwo"]),
        ("Su cita con la doctora Iturralde es el martes.", "es", ["Iturralde"]),
        ("Der Termin bei Frau Ziegler ist am Dienstag.", "de", []),
        ("予約は火曜日です。", "ja", []),
    ],
)
def test_names_are_what_capitals_show(text: str, language: str, names: list[str]) -> None:
    assert names_in(text, language) == names


def test_a_misheard_name_is_respelled_and_says_what_was_heard() -> None:
    first = heard("you can see Arconco at Wilmer House on tuesday")
    second = heard("you can see Okonkwo at Willowmere House on thursday")
    found = respelled(first, second, ["Okonkwo", "Willowmere House"])
    assert text_of(found) == "you can see Okonkwo at Willowmere House on tuesday"
    assert [word.first_heard for word in found if word.first_heard] == ["Arconco", "Wilmer"]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        # sure of what it heard
        (heard("you can see Brennan", 0.97), heard("you can see Brannigan"), ["Brannigan"]),
        # nothing that sounds alike
        (heard("you can see Hughes"), heard("you can see Okonkwo"), ["Okonkwo"]),
        # a figure, whatever the name
        (heard("it is at Fortey 40"), heard("it is at Forty Court"), ["Forty Court"]),
        # no name: a second opinion is none
        (heard("the Bell is closed"), heard("the Belle was closed"), []),
        # words that came or went
        (heard("we close at noon"), heard("we close at noon Okonkwo Okonkwo"), ["Okonkwo"]),
        (heard("ask for Arconco please"), heard("ask for please"), ["Okonkwo"]),
    ],
)
def test_what_was_heard_stays(first: list[HeardWord], second: list[HeardWord], names: list[str]) -> None:
    assert text_of(respelled(first, second, names)) == text_of(first)


def test_a_name_that_was_heard_is_not_looked_for() -> None:
    assert unheard(["Willowmere House"], heard("at Willowmere house.")) == frozenset()
    assert unheard(["Willowmere House"], heard("at Wilmer House")) == {"willowmere"}


def test_a_case_tells_the_names_of_its_expectations_and_of_the_suite() -> None:
    suite = Suite.model_validate(
        {
            "suite": "s",
            "agent": {"channel": "media_stream", "url": "ws://127.0.0.1:1"},
            "vocabulary": ["Shazam"],
            "cases": [
                {
                    "id": "a",
                    "turns": [
                        {"say": "Who is Quillfeather?", "expect": {"meaning": "He is with Doctor Okonkwo."}},
                        {
                            "when": [{"said": {"contains": ["x"]}, "then": [{"say": "Where?"}]}],
                            "else": [{"say": "And?", "expect": {"absent": ["ask Brannigan"]}}],
                        },
                        {"say": "When?", "expect": {"entities": {"names": ["Iturralde"], "times": ["9:30"]}}},
                    ],
                }
            ],
        }
    )
    names = expected_names(suite, suite.cases[0], "en")
    assert sorted(names) == ["Brannigan", "Doctor Okonkwo", "Iturralde", "Shazam"]
