"""Whether what was heard sounds like what was expected: then the recogniser's spelling is no ground to fail an agent.

Confidence does not help here. A recogniser that knows `margarita` and not `margherita` is sure of what it writes.
"""

import re
from collections.abc import Sequence

import jellyfish
from num2words import num2words
from rapidfuzz import fuzz

from activities.checks.hard import doubted
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, Doubt, DoubtKind
from voicewright.contracts.transcript import Word
from voicewright.judge.contradictions.confusability import value_misheard
from voicewright.judge.text.proper_names import untitled
from voicewright.judge.text.vocabulary import is_rare
from voicewright.judge.text.words import digits
from voicewright.judge.text.words import words as spoken_words
from voicewright.languages import base_language

_SOMEWHAT = 60.0
"""Likeness of codes, 0 to 100, from which an unusual word may be what a recogniser that does not know it misspelt
while it was unsure: `Loppers for` was Lopressor."""
_SURE = 0.9
_NEARLY = 80.0
"""Likeness of codes from which a word may be a number that was misheard: `doesn't` was a dozen."""
_TELLING = 3
"""Signs of a code that tell a word from others: `three` and `there` are two of one."""
_DOZEN = 12
_COMMON = frozenset({"and", "hundred", "thousand", "million", "billion"})
_MOST_DIGITS = 9
_LEAST_LETTERS = 4
"""Shorter words sound like many others."""
_SAME_VALUES = {CheckKind.TIME, CheckKind.DATE, CheckKind.AMOUNT, CheckKind.NUMBER}


def misheard(check: Check, words: Sequence[Word], language: str) -> Doubt | None:
    """Why a failed check on a name, a phrase or a value may be the recogniser's error; None where it is not.

    Args:
        check: one that failed.
        words: those of its turn.
        language: of the conversation.
    """
    if check.kind in _SAME_VALUES:
        found = next((heard for heard in check.heard if value_misheard(check.expected, heard, language)), None)
        if not check.heard and base_language(language) == "en":
            found = _number_in_words(check.expected, words)
    elif check.kind in {CheckKind.NAME, CheckKind.CONTAINS}:
        found = _like(check.expected, words, language)
    else:
        found = None
    if found is None:
        return None
    because = f"{found!r} sounds like {check.expected!r}: please listen"
    return Doubt(kind=DoubtKind.SOUNDS_LIKE_IT, words=found, because=because)


def either_reading(first: Sequence[Check], other: Sequence[Check], heard: Sequence[Word]) -> list[Check]:
    """Checks on the words as they were heard, unsure where a recogniser that expects the names heard otherwise.

    Args:
        first: checks on the words as they were heard by a recogniser that was told nothing.
        other: the same checks on what one that knows the suite's names heard.
        heard: the words of the turn.
    """
    pairs = [(word.text, word.may_be) for word in heard if word.may_be]
    because = " and ".join(f"{text!r} may be {may_be!r}" for text, may_be in pairs)
    doubt = Doubt(
        kind=DoubtKind.SOUNDS_LIKE_IT,
        words=", ".join(text for text, _ in pairs),
        because=f"{because} to a recogniser that is told the names, but the sound does not bear it out: please listen",
    )
    return [
        doubted(check, doubt) if _hangs_on_it(check, then) else check for check, then in zip(first, other, strict=True)
    ]


def _hangs_on_it(check: Check, then: Check) -> bool:
    forbidden = check.kind is CheckKind.ABSENT and then.outcome is CheckOutcome.FAILED
    return check.outcome is not then.outcome and (check.outcome is CheckOutcome.FAILED or forbidden)


def _like(expected: str, words: Sequence[Word], language: str) -> str | None:
    """A run of words that sounds like the expected ones."""
    wanted = _plain(expected, language)
    heard = [(spoken, word.confidence) for word in words for spoken in _plain(word.text, language)]
    unusual = _unusual(wanted, language)
    for size in range(max(1, len(wanted) - 1), len(wanted) + 2):
        for at in range(len(heard) - size + 1):
            run = heard[at : at + size]
            limit = 100.0 if not unusual or min(sure for _, sure in run) >= _SURE else _SOMEWHAT
            if _one_sound(wanted, [spoken for spoken, _ in run], limit):
                return " ".join(spoken for spoken, _ in run)
    return None


def _number_in_words(expected: str, words: Sequence[Word]) -> str | None:
    """A word that sounds like one of those in which the expected number is spoken, where no number was heard at all."""
    numbers = re.findall(r"\d+", digits(expected, "en"))
    spoken = [word for number in numbers if len(number) <= _MOST_DIGITS for word in _aloud(int(number))]
    for word in words:
        [heard] = spoken_words(word.text, "en")[:1] or [""]
        if any(_near(one, heard, _NEARLY) for one in spoken):
            return heard
    return None


def _aloud(number: int) -> list[str]:
    words = re.findall(r"[a-z]+", num2words(number))
    words = [*(word for word in words if word not in _COMMON), *(["dozen"] if number == _DOZEN else [])]
    return [word for word in words if len(jellyfish.metaphone(word)) >= _TELLING]


def _plain(text: str, language: str) -> list[str]:
    """Words in one spelling, without titles, which say nothing about a name."""
    return spoken_words(untitled(" ".join(spoken_words(text, language))), language)


def _unusual(wanted: Sequence[str], language: str) -> bool:
    """Whether a recogniser may not know one of the words, and writes down others in its place."""
    return base_language(language) != "en" or any(is_rare(word) for word in wanted)


def _one_sound(wanted: Sequence[str], run: Sequence[str], limit: float) -> bool:
    if len(wanted) != len(run):
        return _near("".join(wanted), "".join(run), limit)
    return all(_near(one, two, limit) for one, two in zip(wanted, run, strict=True))


def _near(one: str, two: str, limit: float) -> bool:
    """Whether two words have one code, in one of two ways of coding names by their sound; or nearly, at the limit."""
    if one == two:
        return True
    one, two = one.replace("'", ""), two.replace("'", "")
    if min(len(one), len(two)) < _LEAST_LETTERS or not one.isalpha() or not two.isalpha():
        return False
    if any(bool(code(one)) and code(one) == code(two) for code in (jellyfish.metaphone, jellyfish.nysiis)):
        return True
    return fuzz.ratio(jellyfish.metaphone(one), jellyfish.metaphone(two)) >= limit
