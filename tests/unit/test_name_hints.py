"""Names that a recogniser is told: which those are, and what they may replace."""

import pytest

from activities.ports.speech import HeardWord
from activities.speech.recognition.by_ear import same_sound
from activities.speech.recognition.name_hints import expected_names, respelled, respellings, unheard
from voicewright.contracts.call import Side
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.judge.text.proper_names import names_in
from voicewright.suite import Suite
from voicewright.suite.format.spoken import spoken


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


def reading(first: list[HeardWord], second: list[HeardWord], names: list[str], *, supported: bool) -> list[HeardWord]:
    return respelled(first, respellings(first, second, names, "en"), lambda _: supported)


def test_a_name_that_the_sound_supports_is_respelled_and_says_what_was_heard() -> None:
    first = heard("you can see Arconco at Wilmer House on tuesday")
    second = heard("you can see Okonkwo at Willowmere House on thursday")
    found = reading(first, second, ["Okonkwo", "Willowmere House"], supported=True)
    assert text_of(found) == "you can see Okonkwo at Willowmere House on tuesday"
    assert [word.first_heard for word in found if word.first_heard] == ["Arconco", "Wilmer"]
    assert all(word.may_be is None for word in found)


def test_a_name_that_only_the_hint_brings_stands_beside_what_was_heard() -> None:
    first = heard("please take Ampes tilin twice a day")
    second = heard("please take Amoxicillin twice a day")
    found = reading(first, second, ["Amoxicillin"], supported=False)
    assert text_of(found) == text_of(first)
    assert [(word.text, word.may_be) for word in found if word.may_be is not None] == [
        ("Ampes", "Amoxicillin"),
        ("tilin", ""),
    ]
    words = tuple(
        Word(text=word.text, start_ms=0, end_ms=1, confidence=0.9, turn=0, may_be=word.may_be) for word in found
    )
    side = SideTranscript(side=Side.AGENT, language="en", words=words)
    assert side.other_text(0) == "please take Amoxicillin twice a day"
    assert side.text(0) == "please take Ampes tilin twice a day"


@pytest.mark.parametrize(
    ("one", "other", "language", "same"),
    [
        ("margherita", "margarita", "en", True),
        ("quill feather", "Quillfeather", "en", True),
        ("Kathryn", "Catherine", "en", True),
        ("Stephen", "Steven", "en", True),
        ("vaca", "baca", "es", True),
        ("Meier", "Maier", "de", True),
        ("Dallas", "Dulles", "en", False),
        ("Lamsil", "Lamictal", "en", False),
        ("Thompson", "Thomson", "en", False),
        ("Brennan", "Brannigan", "en", False),
        ("pato", "gato", "es", False),
        ("予約", "漢字", "ja", False),  # espeak-ng reads no kanji: two that it calls by one name are not one sound
        ("one", "one", "tlh-x", False),
    ],
)
def test_what_sounds_the_same_is_told_by_phonemes(one: str, other: str, language: str, same: bool) -> None:
    assert same_sound(one, other, language) is same


def test_a_homophone_is_respelled_however_sure_the_recogniser_was() -> None:
    first, second = heard("one margarita please", 0.99), heard("one margherita please", 0.99)
    [found] = respellings(first, second, ["margherita"], "en")
    assert (found.start, found.end, found.names) == (1, 2, frozenset({"margherita"}))


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
        # a title in another spelling is none either
        (heard("see Dr. Hall"), heard("see Doctor Hall"), ["Doctor Hall"]),
    ],
)
def test_what_was_heard_stays(first: list[HeardWord], second: list[HeardWord], names: list[str]) -> None:
    found = reading(first, second, names, supported=True)
    assert text_of(found) == text_of(first)
    assert all(word.may_be is None for word in found)


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
    names = expected_names(suite, spoken(suite.cases[0], "en"), "en")
    assert sorted(names) == ["Brannigan", "Doctor Okonkwo", "Iturralde", "Shazam"]


@pytest.mark.parametrize(
    ("phrase", "language", "names"),
    [
        ("one large margherita for Tom", "en", ["Tom", "margherita"]),
        ("calzone", "en", ["calzone"]),
        ("we are closed", "en", []),
        ("una quattro formaggi", "it", ["quattro", "formaggi"]),
        ("der Kontoauszug", "de", ["Kontoauszug"]),
        ("a las 9:30", "es", []),
    ],
)
def test_rare_words_of_a_phrase_are_told_whatever_their_first_letter(
    phrase: str, language: str, names: list[str]
) -> None:
    suite = Suite.model_validate(
        {
            "suite": "s",
            "agent": {"channel": "media_stream", "url": "ws://127.0.0.1:1"},
            "cases": [{"id": "a", "turns": [{"say": "x", "expect": {"contains": [phrase]}}]}],
        }
    )
    assert sorted(expected_names(suite, spoken(suite.cases[0], language), language)) == sorted(names)
