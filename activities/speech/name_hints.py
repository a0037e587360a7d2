"""Names that may be said, given to a recogniser that would spell them as words that it knows.

`Citi Field` is heard as `CD Philvan` by a recogniser that has never met it. Told the names, it hears better, but it
also hears them where others were said, and repeats them. So it hears twice, and of the second hearing only names are
taken: where the first was unsure, and sounds alike.
"""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from rapidfuzz import fuzz

from activities.checks.facts.names import sound
from activities.checks.meaning.proper_names import bare, names_in
from activities.ports import HeardWord
from voicewright.suite import Case, Suite, in_language

MAX_HINTS = 40
"""Names that a recogniser is told at once."""
_SURE = 0.9
"""Least confidence of words from which they stay as they were heard first."""
_ALIKE = 40
"""Likeness of sounds, 0 to 100, from which one can be the other misheard."""
_MAX_GROWTH = 4
"""Words by which a stretch may be shorter or longer under another spelling."""


def expected_names(suite: Suite, case: Case, language: str) -> list[str]:
    """What a case's agent may name: the suite's vocabulary, and names in what is expected or must not be said."""
    texts: list[str] = []
    names = list(suite.vocabulary)
    for turn in case.steps:
        if (expect := turn.expect) is not None:
            names += expect.entities.names
            texts += [in_language(expect.meaning, language) or ""]
            texts += in_language(expect.contains, language) or []
            texts += in_language(expect.absent, language) or []
    return list(dict.fromkeys([*names, *(name for text in texts for name in names_in(text, language))]))


def unheard(names: Sequence[str], heard: Sequence[HeardWord]) -> frozenset[str]:
    """Words of names, in lower case, that were not heard at all."""
    said = {bare(word.text) for word in heard}
    return frozenset(word for name in names for word in map(bare, name.split()) if word not in said)


def respelled(first: Sequence[HeardWord], second: Sequence[HeardWord], names: Sequence[str]) -> list[HeardWord]:
    """The first hearing, with names that only the second has where it was unsure and sounds like them.

    Figures are never replaced. Words that were say in `first_heard` what they replace.
    """
    lost = unheard(names, first)
    before, after = [bare(word.text) for word in first], [bare(word.text) for word in second]
    words: list[HeardWord] = []
    for change, start, end, start_2, end_2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = first[start:end], second[start_2:end_2]
        if change == "replace" and _is_respelling(old, new, lost):
            was = " ".join(word.text for word in old)
            words += [replace(word, first_heard=was if number == 0 else "") for number, word in enumerate(new)]
        else:
            words += old
    return words


def _is_respelling(old: Sequence[HeardWord], new: Sequence[HeardWord], lost: frozenset[str]) -> bool:
    plain, other = [bare(word.text) for word in old], [bare(word.text) for word in new]
    return (
        not lost.isdisjoint(other)
        and min(word.confidence for word in old) < _SURE
        and abs(len(old) - len(new)) <= _MAX_GROWTH
        and not any(sign.isdigit() for word in (*plain, *other) for sign in word)
        and fuzz.ratio(sound(" ".join(plain)), sound(" ".join(other))) >= _ALIKE
    )
