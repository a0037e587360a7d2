"""One spelling for what can be said and written in many: case, punctuation, number words."""

import re
import unicodedata

from text_to_num import alpha2digit

from voicewright.languages import base_language

UNSPACED = frozenset({"ja", "ko", "my", "th", "zh"})
"""Languages written without spaces between words, or (Korean) with spaces that vary: counted by characters."""
_NUMBER_WORDS = {"ca", "de", "en", "es", "fr", "it", "nl", "pt"}
"""Languages whose number words text2num reads."""
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'"})  # noqa: RUF001 - that is what they are
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_ABBREVIATED = {"dr": "doctor", "mr": "mister", "mrs": "missus", "ok": "okay"}
_SIGNS = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u1000-\u109f"
)
"""Vowel signs and accents that scripts write as marks (Devanagari, Thai, Arabic): Python's `\\w` leaves them out."""
_EDGES = re.compile(rf"[^\w$£€%'+{_SIGNS}-]+|(?<!\w)['-]|['-](?!\w)")


def digits(text: str, language: str) -> str:
    """Lower case with number words as digits: `Half past seven` is `half past 7`, `March third` `march 3rd`."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    base = base_language(language)
    if base not in _NUMBER_WORDS:
        return plain
    return str(alpha2digit(_HYPHEN.sub(" ", plain) if base == "en" else plain, base, threshold=0))


def words(text: str, language: str) -> list[str]:
    """The words alone, for comparing wordings and for counting errors."""
    plain = _EDGES.sub(" ", digits(text, language).replace("'", "")).split()
    return [_ABBREVIATED.get(word, word) for word in plain] if base_language(language) == "en" else plain


def contains(text: str, phrase: str, language: str) -> bool:
    """Whether the words of `phrase` are said in `text`, one after the other."""
    heard, wanted = words(text, language), words(phrase, language)
    if base_language(language) in UNSPACED:
        return bool(wanted) and "".join(wanted) in "".join(heard)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(heard)} "
