"""Names that may be said, given to a recogniser that would spell them as words that it knows.

`Citi Field` is heard as `CD Philvan` by a recogniser that has never met it. Told the names, it hears better, but it
also hears them where others were said: `Celebrex` for Celexa. So it hears twice, and of the second hearing only names
are looked at, where the first was unsure and sounds alike. Such a name takes the place of what was heard first only
where the sound itself supports it; otherwise it is kept beside it, as what a person should listen for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from rapidfuzz import fuzz

from activities.ports.speech import HeardWord
from activities.speech.recognition.by_ear import same_sound
from voicewright.judge.text.alignment import sound
from voicewright.judge.text.proper_names import bare, names_in
from voicewright.judge.text.vocabulary import is_rare
from voicewright.judge.text.words import words
from voicewright.languages import base_language
from voicewright.suite import SpokenCase, Suite

MAX_HINTS = 40
"""Names that a recogniser is told at once."""
_SURE = 0.9
"""Least confidence of words from which they stay as they were heard first."""
_ALIKE = 40
"""Likeness of sounds, 0 to 100, from which one can be the other misheard."""
_UNUSUAL_LETTERS = 5
_MAX_GROWTH = 4
"""Words by which a stretch may be shorter or longer under another spelling."""


def expected_names(suite: Suite, case: SpokenCase, language: str) -> list[str]:
    """What an agent may name: the suite's vocabulary, names in what is expected or forbidden, rare words to be said."""
    texts: list[str] = []
    names = list(suite.vocabulary)
    for turn in case.steps:
        if (expect := turn.expect) is not None:
            names += expect.entities.names
            texts += [expect.meaning or ""]
            texts += expect.contains
            texts += expect.absent
            names += [word for phrase in expect.contains for word in _unusual(phrase, language)]
    return list(dict.fromkeys([*names, *(name for text in texts for name in names_in(text, language))]))


def _unusual(phrase: str, language: str) -> list[str]:
    """Words that a recogniser may spell as others, whatever their first letter: `margherita`, `Kontoauszug`."""
    plain = [word.strip(".,;:!?¿¡\"'()") for word in phrase.split()]
    if base_language(language) == "en":
        return [word for word in plain if is_rare(word.lower())]
    return [word for word in plain if word.isalpha() and len(word) >= _UNUSUAL_LETTERS]


def unheard(names: Sequence[str], heard: Sequence[HeardWord]) -> frozenset[str]:
    """Words of names, in lower case, that were not heard at all."""
    said = {bare(word.text) for word in heard}
    return frozenset(word for name in names for word in map(bare, name.split()) if word not in said)


@dataclass(frozen=True)
class Respelling:
    """Words `start` to `end` (exclusive) of the first hearing, and what the second has in their place."""

    start: int
    end: int
    old: tuple[HeardWord, ...]
    new: tuple[HeardWord, ...]
    names: frozenset[str]
    """The words of names, in lower case, that only the second hearing has."""


def respellings(
    first: Sequence[HeardWord], second: Sequence[HeardWord], names: Sequence[str], language: str
) -> list[Respelling]:
    """Where only the second hearing has a name, and the first was unsure or sounds the same. Figures are left alone."""
    lost = unheard(names, first)
    before, after = [_spoken(word, language) for word in first], [_spoken(word, language) for word in second]
    found: list[Respelling] = []
    for change, start, end, start_2, end_2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        one = Respelling(
            start,
            end,
            tuple(first[start:end]),
            tuple(second[start_2:end_2]),
            lost.intersection(bare(word.text) for word in second[start_2:end_2]),
        )
        if change == "replace" and one.names and _alike(one, language):
            found.append(one)
    return found


def respelled(
    first: Sequence[HeardWord], found: Sequence[Respelling], supported: Callable[[Respelling], bool]
) -> list[HeardWord]:
    """The first hearing with the names that the sound supports; the others stand beside it, as `may_be`.

    Words that replace others say in `first_heard` what they replace.
    """
    said = list(first)
    for one in reversed(found):
        if supported(one):
            was = spelled(one.old)
            put = [replace(word, first_heard=was if number == 0 else "") for number, word in enumerate(one.new)]
        else:
            put = [replace(word, may_be=spelled(one.new) if number == 0 else "") for number, word in enumerate(one.old)]
        said[one.start : one.end] = put
    return said


def spelled(heard: Sequence[HeardWord]) -> str:
    """Words as text."""
    return " ".join(word.text for word in heard)


def _spoken(word: HeardWord, language: str) -> str:
    """One spelling for what is spoken alike, `doctor` and `Dr.` for one."""
    return "".join(words(word.text, language)) or bare(word.text)


def _alike(one: Respelling, language: str) -> bool:
    plain, other = [bare(word.text) for word in one.old], [bare(word.text) for word in one.new]
    if abs(len(plain) - len(other)) > _MAX_GROWTH or any(sign.isdigit() for word in (*plain, *other) for sign in word):
        return False
    if same_sound(" ".join(plain), " ".join(other), language):
        return True
    unsure = min(word.confidence for word in one.old) < _SURE
    return unsure and fuzz.ratio(sound(" ".join(plain)), sound(" ".join(other))) >= _ALIKE
