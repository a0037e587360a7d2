"""Finds a phrase among words, however it is spelt: `e-mail`, `colour`, `9-1-1`, `ann at example dot org`, `$80`."""

import re
from collections.abc import Sequence

import jellyfish
from rapidfuzz import fuzz

from voicewright.judge.text.spelling import american, consonants
from voicewright.judge.text.words import UNSPACED, digits, unaccented, words
from voicewright.languages import base_language

_MONEY = {"$": "dollars", "£": "pounds", "€": "euros"}
_SIGNED = re.compile(r"(?P<sign>[$£€])\s?(?P<value>\d[\d.,]*\d|\d)(?!\d)|(?P<after>\d[\d.,]*\d|\d)\s?(?P<last>[£€])")
_PERCENT = re.compile(
    r"\s?(?:%|\b(?:per ?cent|por ?ciento|por ?cento|per ?cento|pour ?cent|prozent)\b|パーセント|퍼센트|प्रतिशत)",
    re.IGNORECASE,
)
_HYPHENED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_AND = re.compile(r"(?<=\w)\s*&\s*(?=\w)")
_NET = re.compile(r"\S+@\S+|(?<![\w.])[a-z][\w-]*(?:\.[a-z][\w-]*)+(?:/\S*)?", re.IGNORECASE)
"""An e-mail address or a web address."""
_TOLD = {
    "en": {"dot": ".", "at": "@", "underscore": "_", "dash": "-", "hyphen": "-", "slash": "/"},
    "es": {"punto": ".", "arroba": "@", "barra": "/", "guion": "-", "guión": "-"},
    "fr": {"point": ".", "arobase": "@", "arobas": "@", "tiret": "-", "slash": "/"},
    "it": {"punto": ".", "chiocciola": "@", "trattino": "-", "slash": "/"},
    "pt": {"ponto": ".", "arroba": "@", "hífen": "-", "barra": "/"},
    "de": {"punkt": ".", "at": "@", "bindestrich": "-", "unterstrich": "_", "schrägstrich": "/"},
}
_SIGNS = frozenset("._@/-")
_PIECE = re.compile(r"[^\W_]+|[._@/§]|\n")
_PAUSE = re.compile(r"[.,!?](?=\s|$)")
_SPELT_FIGURES = re.compile(r"(?<![\w.,])\d(?:[ -]\d){2,}(?!\w)")
_MIN_SOUND = 5
_NEAR = 75.0


def contains(text: str, phrase: str, language: str) -> bool:
    """Whether `text` contains the words of `phrase` in a row. Accents are ignored, because recognisers drop them.

    A number without a currency sign is also found in a price: `80` in `$80`, but not `$80` in `80`.
    """
    if (_NET.search(phrase) or _NET.search(text)) and _has_address(text, phrase, language):
        return True
    if base_language(language) in UNSPACED:
        return _contains_unspaced(text, phrase, language)
    for joined in (False, True):
        wanted = _row(phrase, language, joined=joined)
        for other in (False, True):
            if wanted and f" {' '.join(wanted)} " in f" {' '.join(_row(text, language, joined=other))} ":
                return True
    return False


def may_contain(text: str, phrase: str, language: str) -> bool:
    """Whether words that sound like `phrase` are there: `margarita` for `margherita`. Only of long words."""
    wanted, heard = _row(phrase, language, joined=False), _row(text, language, joined=False)
    if not wanted or max(map(len, wanted)) < _MIN_SOUND:
        return False
    runs = (heard[at : at + len(wanted)] for at in range(len(heard) - len(wanted) + 1))
    return any(all(map(_sound_alike, wanted, run)) for run in runs)


def _sound_alike(word: str, other: str) -> bool:
    if word == other:
        return True
    spelt = word.isascii() and other.isascii() and word.isalpha() and other.isalpha()
    if not spelt or len(word) < _MIN_SOUND or fuzz.ratio(word, other) < _NEAR:
        return False
    return consonants(word) == consonants(other) or bool(jellyfish.metaphone(word) == jellyfish.metaphone(other))


def _contains_unspaced(text: str, phrase: str, language: str) -> bool:
    heard, wanted = (
        words(_without_signs(digits(unaccented(one), language), language), language) for one in (text, phrase)
    )
    sought = "".join(wanted)
    # A number must match whole: 110 does not contain 10.
    before, after = (r"(?<!\d)" * sought[:1].isdigit(), r"(?!\d)" * sought[-1:].isdigit())
    return bool(wanted) and re.search(before + re.escape(sought) + after, "".join(heard)) is not None


def _row(text: str, language: str, *, joined: bool) -> list[str]:
    """The words of a text in one spelling, with compounds as one word (`joined`) or as several."""
    plain = _HYPHENED.sub("" if joined else " ", _without_signs(unaccented(text), language))
    plain = re.sub(r"\be[ -]?mail", "email", plain, flags=re.IGNORECASE)
    plain = _SPELT_FIGURES.sub(lambda run: re.sub(r"\D", "", run[0]), digits(plain, language))
    row = words(plain, language)
    return [american(word) for word in row] if base_language(language) == "en" else row


def _without_signs(text: str, language: str) -> str:
    """Signs as words: percent, and currencies in English; else currency signs are dropped from numbers."""
    text = _PERCENT.sub(" percent ", _AND.sub(" and " if base_language(language) == "en" else " & ", text))
    return _SIGNED.sub(lambda m: f"{m['value'] or m['after']} {_MONEY[m['sign'] or m['last']]}", text)


def _has_address(text: str, phrase: str, language: str) -> bool:
    """Whether an e-mail or web address is told, sign by sign or written."""
    wanted = _pieces(phrase, language)
    heard = _pieces(text, language)
    if "@" not in wanted and "." not in wanted:
        return False
    sought = "".join(wanted)
    for start in range(len(heard)):
        if start and heard[start - 1] in _SIGNS:
            continue
        told = ""
        for end in range(start, len(heard)):
            told += heard[end]
            if told == sought and (end + 1 == len(heard) or not _goes_on(heard, end + 1)):
                return True
            if not sought.startswith(told):
                break
    return False


def _goes_on(pieces: Sequence[str], at: int) -> bool:
    """Whether an address goes on with the sign at `at`: a full stop at the end of a sentence does not."""
    return pieces[at] in {"@", "_", "/"} or (pieces[at] in _SIGNS and at + 1 < len(pieces) and pieces[at + 1] != "\n")


def _pieces(text: str, language: str) -> list[str]:
    told = _TOLD.get(base_language(language), _TOLD["en"])
    # A hyphen between letters would be lost where number words become digits.
    plain = digits(unaccented(_PAUSE.sub(" \n ", text).replace("-", " § ")), language)
    return [told.get(piece, piece).replace("§", "-") for piece in _PIECE.findall(plain)]
