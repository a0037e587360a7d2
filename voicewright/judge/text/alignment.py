"""Aligns the words of two texts, allowing for what a recogniser may have misheard."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import jellyfish
from rapidfuzz import fuzz
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_MIN_SOUND = 3

_CJK = 0x2E80


@lru_cache(maxsize=50_000)
def sounds(word: str) -> str:
    """The Metaphone code of an English word (Philips, "Hanging on the Metaphone", 1990); empty for other words."""
    return str(jellyfish.metaphone(word)) if word.isascii() and word.isalpha() else ""


@lru_cache(maxsize=200_000)
def alike(word: str, other: str) -> float:
    """How likely two words are one word misheard, 0 to 1, by spelling, sound and inflection. Not a probability."""
    if word == other:
        return 1.0
    if ord(word[0]) >= _CJK or word[0].isdigit() or other[0].isdigit():
        return 0.0
    spelling = fuzz.ratio(word, other) / 100
    code = sounds(word)
    if len(code) >= _MIN_SOUND - 1 and len(word) >= _MIN_SOUND and code == sounds(other):
        return max(spelling, 0.9)
    if min(len(word), len(other)) > _MIN_SOUND and (word.startswith(other) or other.startswith(word)):
        return max(spelling, 0.85)
    return spelling


@dataclass(frozen=True)
class Alignment:
    """Content words of one text without a counterpart in the other, each with the likeness of the nearest word.

    `count` is the number of all content words.
    """

    missing: tuple[tuple[str, float], ...]
    count: int


def unmatched(text: Sequence[str], other: Sequence[str]) -> Alignment:
    """Align the content words of `text` with the words of `other`, and with any two of these run together."""
    content = [word for word in text if word not in ENGLISH_STOP_WORDS and not word[0].isdigit()]
    pool = set(other)
    joined = [*pool, *(first + second for first, second in pairwise(other))]
    own_joined = {first + second for first, second in pairwise(text)}
    missing: list[tuple[str, float]] = []
    for word in content:
        if word in pool:
            continue
        best = max((alike(word, candidate) for candidate in joined if candidate), default=0.0)
        if best < 1.0 and not any(word in pair and pair in pool for pair in own_joined):
            missing.append((word, best))
    return Alignment(tuple(missing), len(content))


@dataclass(frozen=True)
class SoundMatch:
    """How well runs of lost words match the sound of the other text: count, mean and least likeness, 0 to 1."""

    runs: int
    mean: float
    least: float


_SOUND_CACHE = 20_000


def sounded(text: Sequence[str], other: Sequence[str]) -> SoundMatch:
    """Match runs of words that `other` lacks by their sound: `citi field` in `at c d field on`.

    A recogniser breaks an unknown name into words that it knows, so aligning single words is not enough.
    """
    pool = set(other)
    runs: list[list[str]] = []
    gap = True
    for word in text:
        lost = word not in pool and word not in ENGLISH_STOP_WORDS and not word[0].isdigit()
        if lost and gap:
            runs.append([])
        if lost:
            runs[-1].append(word)
        gap = not lost
    whole = sound(" ".join(other))
    found = [_likeness(sound(" ".join(run)), whole) for run in runs]
    return SoundMatch(len(found), sum(found) / len(found), min(found)) if found else SoundMatch(0, 1.0, 1.0)


def _likeness(part: str, whole: str) -> float:
    return fuzz.partial_ratio(part, whole) / 100 if part and len(part) <= len(whole) else fuzz.ratio(part, whole) / 100


@lru_cache(maxsize=_SOUND_CACHE)
def sound(phrase: str) -> str:
    """The Metaphone codes of a phrase, without gaps between words."""
    return "".join(sounds(word) or word for word in phrase.split())
