"""Compares what is written the same in every language: codes and numbers, Latin words, items of a list."""

import re
import unicodedata

import numpy as np
import rjieba
from rapidfuzz import fuzz

from voicewright.judge.facts.figures import decimal_points
from voicewright.judge.pair import Pair
from voicewright.judge.text.words import digits

COLUMNS: tuple[str, ...] = (
    "codes_expected", "codes_actual", "codes_missing", "codes_extra", "codes_swapped", "numbers_missing",
    "numbers_extra", "mixed_missing", "mixed_extra", "latin_extra", "latin_missing", "part_least", "part_mean",
    "part_back_least", "part_back_mean", "parts_missing", "parts_extra", "item_least", "item_back_least",
)  # fmt: skip
"""Names of the columns of `exact`, in order."""

_TOKEN = re.compile(r"[a-z0-9]+(?:[.+/:'-][a-z0-9]+|,\d{3}(?!\d))*")
_NUMBER = re.compile(r"\d+(,\d{3})*(\.\d+)?")
_SEPARATORS = re.compile(r"[-/]")
_LATIN = re.compile(r"[a-z]{2,}")
_LETTER = re.compile(r"[^\W\d_]")
_PARTS = re.compile(r"\s*(?:[\n、。!?;]|[,:](?!\d)|(?<!\d)[,:])+\s*")
_AND = frozenset({"和", "以及", "还有", "及"})
_SIGNS_OF_WORD = 4
_LONG = 3
_SAME_PART = 0.7
_PARTS_READ = 40


def exact(pair: Pair) -> list[float]:
    """One number for each of `COLUMNS`; NaN if a comparison has no meaning, as between parts in two languages.

    A code is a token with a digit: `i7-9700F` is not `i7-9700`, but `7,999.0` is `7999`. A part is what stands between
    commas, looked for in the whole other text; an item is a part that is looked for among the other text's parts.
    """
    expected_language, language = pair.languages
    expected, actual = _plain(pair.expected, expected_language), _plain(pair.actual, language)
    wanted, heard = codes(expected), codes(actual)
    missing, extra = wanted - heard, heard - wanted
    row = [
        len(wanted), len(heard), len(missing), len(extra), min(len(missing), len(extra)),
        sum(_is_long(code) for code in missing), sum(_is_long(code) for code in extra),
        sum(not code.isdigit() for code in missing), sum(not code.isdigit() for code in extra),
    ]  # fmt: skip
    return [*row, *_latin(expected, actual, pair), *_parts(expected, actual, pair)]


def codes(plain: str) -> set[str]:
    """The tokens with a digit, each in one spelling."""
    found = set()
    for token in _TOKEN.findall(plain):
        if any(sign.isdigit() for sign in token):
            found.add(_number(token) if _NUMBER.fullmatch(token) else _SEPARATORS.sub("", token))
    return found


def _number(token: str) -> str:
    plain = token.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _plain(text: str, language: str) -> str:
    return unicodedata.normalize("NFKC", decimal_points(digits(text, language), language)).lower()


def _is_long(code: str) -> bool:
    return code.isdigit() and len(code) >= _LONG


def _latin(expected: str, actual: str, pair: Pair) -> tuple[float, float]:
    """How many Latin words are extra and missing. In a text of another script they are names."""
    if _is_latin(actual):
        return np.nan, np.nan
    wanted, heard = set(_LATIN.findall(expected)), set(_LATIN.findall(actual))
    first, second = pair.languages
    return len(heard - wanted), len(wanted - heard) if first == second else np.nan


def _is_latin(text: str) -> bool:
    """Whether a text is in a Latin script. Other scripts need fewer characters for a word, so theirs count more."""
    letters = _LETTER.findall(text)
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return foreign * _SIGNS_OF_WORD < len(letters) - foreign or not letters


def _parts(expected: str, actual: str, pair: Pair) -> list[float]:
    first, second = pair.languages
    if first != second:
        return [np.nan] * 8
    wanted, heard = _split(expected, first), _split(actual, second)
    there, back = [_within(part, actual) for part in wanted], [_within(part, expected) for part in heard]
    return [
        min(there), float(np.mean(there)), min(back), float(np.mean(back)),
        sum(near < _SAME_PART for near in there), sum(near < _SAME_PART for near in back),
        min(max(fuzz.ratio(part, other) for other in heard) / 100 for part in wanted),
        min(max(fuzz.ratio(part, other) for other in wanted) / 100 for part in heard),
    ]  # fmt: skip


def _split(text: str, language: str) -> list[str]:
    if language == "zh":  # segment into words first: 和, `and`, is part of the name 颐和园
        text = "".join("、" if word in _AND else word for word in rjieba.cut(text))
    return [part.strip() for part in _PARTS.split(text) if part.strip()][:_PARTS_READ] or [""]


def _within(part: str, text: str) -> float:
    """How much of a part the text contains, 0 to 1."""
    return (fuzz.partial_ratio(part, text) if len(part) <= len(text) else fuzz.ratio(part, text)) / 100
