"""Names and other telling words, as a recogniser may spell them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import jellyfish
from rapidfuzz import fuzz
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from activities.checks.facts.fact import Match
from activities.checks.spoken import words

_SAME_NAME = 85.0
_MAYBE_SAME_NAME = 68.0
_MIN_SOUND = 3
_CJK = 0x2E80


def match_name(expected: str, text: str, language: str) -> Match:
    """A name, as a recogniser may spell it: the nearest run of words decides."""
    wanted, heard = words(expected, language), words(text, language)
    best, nearest = 0.0, ""
    for size in range(max(1, len(wanted) - 1), len(wanted) + 2):
        for at in range(max(0, len(heard) - size + 1)):
            run = heard[at : at + size]
            score = fuzz.ratio("".join(wanted), "".join(run))
            if score > best:
                best, nearest = score, " ".join(run)
    return Match(best >= _SAME_NAME, (nearest,) if nearest else (), _MAYBE_SAME_NAME <= best < _SAME_NAME)


@lru_cache(maxsize=50_000)
def sounds(word: str) -> str:
    """How an English speaker may say a word (Metaphone)."""
    return str(jellyfish.metaphone(word)) if word.isascii() and word.isalpha() else ""


@lru_cache(maxsize=200_000)
def alike(word: str, other: str) -> float:
    """How far two words can be one word misheard, 0 to 1: spelling, sound, inflection."""
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
    """Telling words of one text that have no counterpart in the other, with how near the nearest one is."""

    missing: tuple[tuple[str, float], ...]
    count: int


def unmatched(text: Sequence[str], other: Sequence[str]) -> Alignment:
    """Align the telling words of `text` with the words of `other`; also with two of them run together."""
    telling = [word for word in text if word not in ENGLISH_STOP_WORDS and not word[0].isdigit()]
    pool = set(other)
    joined = [*pool, *(first + second for first, second in pairwise(other))]
    own_joined = {first + second for first, second in pairwise(text)}
    missing: list[tuple[str, float]] = []
    for word in telling:
        if word in pool:
            continue
        best = max((alike(word, candidate) for candidate in joined if candidate), default=0.0)
        if best < 1.0 and not any(word in pair and pair in pool for pair in own_joined):
            missing.append((word, best))
    return Alignment(tuple(missing), len(telling))


@dataclass(frozen=True)
class Heard:
    """How well the runs of lost words can be heard in the other text: count, mean and least likeness, 0 to 1."""

    runs: int
    mean: float
    least: float


_SOUND_CACHE = 20_000


def sounded(text: Sequence[str], other: Sequence[str]) -> Heard:
    """Runs of words that `other` has not, by their sound: `citi field` in `at c d field on`.

    A recogniser cuts a name that it does not know into words that it knows, so words alone cannot be aligned.
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
    return Heard(len(found), sum(found) / len(found), min(found)) if found else Heard(0, 1.0, 1.0)


def _likeness(part: str, whole: str) -> float:
    return fuzz.partial_ratio(part, whole) / 100 if part and len(part) <= len(whole) else fuzz.ratio(part, whole) / 100


@lru_cache(maxsize=_SOUND_CACHE)
def sound(phrase: str) -> str:
    """Consonants as an English speaker says them, without gaps between words."""
    return "".join(sounds(word) or word for word in phrase.split())
