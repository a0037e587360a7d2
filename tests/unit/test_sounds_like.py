"""What was heard and sounds like what was sought is for a person, however sure the recogniser was."""

import pytest

from activities.checks.doubt import doubt_words
from activities.checks.hard import hard
from activities.checks.heard.sounds_like import either_reading
from voicewright.contracts.call import Network, Side
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, DoubtKind
from voicewright.contracts.transcript import SideTranscript, Word


def words(text: str, confidence: float = 0.98, may_be: dict[str, str] | None = None) -> tuple[Word, ...]:
    return tuple(
        Word(text=word, start_ms=0, end_ms=1, confidence=confidence, turn=0, may_be=(may_be or {}).get(word))
        for word in text.split()
    )


def failed(kind: CheckKind, expected: str, heard: tuple[str, ...] = ()) -> Check:
    return hard(kind, 0, passed=False, expected=expected, actual="", evidence="not heard", heard=heard)


@pytest.mark.parametrize(
    ("kind", "expected", "heard", "text"),
    [
        (CheckKind.CONTAINS, "margherita", (), "One margarita is on its way."),
        (CheckKind.CONTAINS, "a large calzone", (), "That is a large calzoni."),
        (CheckKind.NAME, "Marston", ("marsden",), "You will see Doctor Marsden."),
        (CheckKind.NAME, "Quill Feather", ("quillfeather",), "Ask for Quillfeather."),
        (CheckKind.NAME, "Dallas", ("dulles",), "Your flight goes to Dulles."),
        (CheckKind.AMOUNT, "$14", ("$40",), "That is $40."),
        (CheckKind.AMOUNT, "$60", ("$16",), "That is $16."),
        (CheckKind.TIME, "9:30", ("9:13",), "At 9.13."),
        (CheckKind.DATE, "March 15", ("march 50",), "On March 50."),
        (CheckKind.NUMBER, "17", ("70",), "You are number 70."),
        (CheckKind.NUMBER, "12", (), "You ordered it doesn't eggs."),
        (CheckKind.NUMBER, "40", (), "There are fort rooms."),
        (CheckKind.AMOUNT, "$11", (), "It costs a leaven dollars."),
    ],
)
def test_what_sounds_alike_is_for_a_person(kind: CheckKind, expected: str, heard: tuple[str, ...], text: str) -> None:
    side = SideTranscript(side=Side.AGENT, language="en", words=words(text))
    [check] = doubt_words([failed(kind, expected, heard)], side)
    assert check.outcome is CheckOutcome.UNSURE
    assert check.doubt is not None
    assert check.doubt.kind is DoubtKind.SOUNDS_LIKE_IT


@pytest.mark.parametrize(
    ("kind", "expected", "heard", "text"),
    [
        (CheckKind.CONTAINS, "margherita", (), "One marinara is on its way."),
        (CheckKind.CONTAINS, "open", (), "We are closed."),
        (CheckKind.CONTAINS, "available", (), "That is unavailable."),
        (CheckKind.CONTAINS, "Tuesday", (), "On Thursday."),
        (CheckKind.CONTAINS, "no", (), "I know."),  # short words sound like many
        (CheckKind.NAME, "Doctor Adams", ("doctor brown",), "You will see Doctor Brown."),
        (CheckKind.AMOUNT, "$14", ("$45",), "That is $45."),
        (CheckKind.TIME, "9:30", ("10:30",), "At 10:30."),
        (CheckKind.NUMBER, "13", ("31",), "You are number 31."),
        (CheckKind.NUMBER, "2", ("20",), "You are number 20."),
        (CheckKind.NUMBER, "12", (), "You ordered some eggs."),
        (CheckKind.NUMBER, "300", (), "There are a hundred rooms and more."),
    ],
)
def test_what_sounds_otherwise_fails(kind: CheckKind, expected: str, heard: tuple[str, ...], text: str) -> None:
    side = SideTranscript(side=Side.AGENT, language="en", words=words(text))
    [check] = doubt_words([failed(kind, expected, heard)], side)
    assert check.outcome is CheckOutcome.FAILED


@pytest.mark.parametrize(
    ("expected", "text", "confidence", "outcome"),
    [
        ("Lopressor", "Please take Loppers for twice a day.", 0.6, CheckOutcome.UNSURE),
        ("Hydroxyzine", "Please take hydroxas in twice a day.", 0.6, CheckOutcome.UNSURE),
        ("Doctor Iturralde", "You will see Dr. Iteralva.", 0.6, CheckOutcome.UNSURE),
        ("Lopressor", "Please take aspirin twice a day.", 0.6, CheckOutcome.FAILED),
        ("Doctor Iturralde", "You will see Doctor Brown.", 0.6, CheckOutcome.FAILED),
        # A name that every recogniser knows is heard as itself.
        ("Doctor Miller", "You will see Doctor Molar.", 0.95, CheckOutcome.UNSURE),
        ("Doctor Adams", "You will see Doctor Aaron.", 0.6, CheckOutcome.FAILED),
    ],
)
def test_a_name_that_no_recogniser_knows_is_written_as_something_like_it(
    expected: str, text: str, confidence: float, outcome: CheckOutcome
) -> None:
    side = SideTranscript(side=Side.AGENT, language="en", words=words(text, confidence))
    [check] = doubt_words([failed(CheckKind.NAME, expected)], side)
    assert check.outcome is outcome


@pytest.mark.parametrize(
    ("packets", "lost", "outcome"),
    [
        (1_000, 0, CheckOutcome.FAILED),
        (1_000, 5, CheckOutcome.FAILED),
        (900, 100, CheckOutcome.UNSURE),
        (960, 40, CheckOutcome.UNSURE),
        (0, 0, CheckOutcome.FAILED),  # a channel that does not know its packets
    ],
)
def test_words_on_a_lossy_line_fail_nobody(packets: int, lost: int, outcome: CheckOutcome) -> None:
    side = SideTranscript(side=Side.AGENT, language="en", words=words("You will see Doctor Brown."))
    line = Network(packets=packets, packets_lost=lost)
    right = passed(CheckKind.CONTAINS, "see")
    found = doubt_words([failed(CheckKind.NAME, "Doctor Adams"), right], side, line=line)
    assert [check.outcome for check in found] == [outcome, CheckOutcome.PASSED]
    if outcome is CheckOutcome.UNSURE:
        assert found[0].doubt is not None
        assert found[0].doubt.kind is DoubtKind.LINE_LOSS


def passed(kind: CheckKind, expected: str) -> Check:
    return hard(kind, 0, passed=True, expected=expected, actual="", evidence="heard")


def test_a_name_that_only_a_hint_brings_neither_passes_nor_fails() -> None:
    heard = words("Please take Celix twice a day.", may_be={"Celix": "Celebrex"})
    sought, forbidden = CheckKind.NAME, CheckKind.ABSENT
    first = [
        failed(sought, "Celebrex"),
        failed(sought, "Lipitor"),
        passed(forbidden, "Celebrex"),
        passed(sought, "day"),
    ]
    other = [
        passed(sought, "Celebrex"),
        failed(sought, "Lipitor"),
        failed(forbidden, "Celebrex"),
        passed(sought, "day"),
    ]
    found = either_reading(first, other, heard)
    unsure, wrong, right = CheckOutcome.UNSURE, CheckOutcome.FAILED, CheckOutcome.PASSED
    assert [check.outcome for check in found] == [unsure, wrong, unsure, right]
    assert found[0].doubt is not None
    assert (found[0].doubt.kind, found[0].doubt.words) == (DoubtKind.SOUNDS_LIKE_IT, "Celix")
    assert "'Celix' may be 'Celebrex'" in found[0].evidence
