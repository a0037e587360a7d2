"""What is written alike in every language: codes and numbers, Latin words, the items of a list."""

import re
import unicodedata

import numpy as np
import rjieba
from rapidfuzz import fuzz

from activities.checks.facts.amounts import decimal_points
from activities.checks.meaning.pair import Pair
from activities.checks.spoken import digits

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
    """One number for each of `COLUMNS`; NaN where a comparison means nothing, as of parts in two languages.

    A code is a token with a digit: `i7-9700F` is not `i7-9700`, and `7,999.0` is `7999`. A part is what stands between
    commas, sought in the whole other text; an item is sought among the other's parts.
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
    """Tokens with a digit, each in one spelling."""
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
    """Latin words in a text of another script are names: how many are in one text only."""
    if _is_latin(actual):
        return np.nan, np.nan
    wanted, heard = set(_LATIN.findall(expected)), set(_LATIN.findall(actual))
    first, second = pair.languages
    return len(heard - wanted), len(wanted - heard) if first == second else np.nan


def _is_latin(text: str) -> bool:
    """Whether its language is written in Latin letters: others need fewer signs for a word, so theirs count more."""
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
    if language == "zh":  # cut into words first: there is an `and` within 颐和园
        text = "".join("、" if word in _AND else word for word in rjieba.cut(text))
    return [part.strip() for part in _PARTS.split(text) if part.strip()][:_PARTS_READ] or [""]


def _within(part: str, text: str) -> float:
    """How much of a part is in a text, 0 to 1."""
    return (fuzz.partial_ratio(part, text) if len(part) <= len(text) else fuzz.ratio(part, text)) / 100
