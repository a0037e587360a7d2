"""Finds the proper names of a text by capitals and a list of common words."""

import calendar

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from voicewright.judge.text.vocabulary import is_rare
from voicewright.languages import base_language

_CAPITALISED_ANYWAY = frozenset(
    name.lower() for name in (*calendar.day_name, *calendar.month_name, "I", "AM", "PM", "OK", "Okay") if name
)
_NOUNS_CAPITALISED = frozenset({"de"})
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof", "doctor", "professor"})
_EDGES = ".,!?:;\"'()[]…“”‘’¿¡«»"  # noqa: RUF001 - that is what they are
_ENDS_NAME = (".", ",", "!", "?", ":", ";")
_ENDS_SENTENCE = (".", "!", "?", ":")


def names_in(text: str, language: str) -> list[str]:
    """Names by their capitals: `Mets`, `Citi Field`. Empty for scripts without capitals, and for German.

    In English text without any capitals, names are the rare words.
    """
    if base_language(language) in _NOUNS_CAPITALISED:
        return []
    pieces = text.split()
    english = base_language(language) == "en"
    cased = any(piece[:1].isupper() for piece in pieces[1:])
    found: list[list[str]] = [[]]
    starts = True
    for piece in pieces:
        word = piece.strip(_EDGES).removesuffix("'s")
        if _is_name(word, starts=starts, cased=cased, english=english):
            found[-1].append(word)
            if piece.endswith(_ENDS_NAME):
                found.append([])
        elif found[-1]:
            found.append([])
        starts = piece.endswith(_ENDS_SENTENCE)
    return list(dict.fromkeys(" ".join(run) for run in found if run))


def full_names(text: str) -> list[str]:
    """Two or more capitalised words in a row of an English text, also at its beginning: `Mary Thompson`."""
    runs: list[list[str]] = [[]]
    for piece in text.split():
        word = piece.strip(_EDGES).removesuffix("'s")
        if not word[:1].isupper() or bare(word) in _CAPITALISED_ANYWAY or word.lower() in ENGLISH_STOP_WORDS:
            runs.append([])
            continue
        runs[-1].append(word)
        if piece.endswith(_ENDS_NAME) and bare(word) not in _TITLES:
            runs.append([])
    return [" ".join(run) for run in runs if len(run) > 1]


def untitled(name: str) -> str:
    """The name without its titles: `Hall` for `Dr. Hall`."""
    return " ".join(word for word in name.split() if bare(word) not in _TITLES)


def _is_name(word: str, *, starts: bool, cased: bool, english: bool) -> bool:
    letters = bare(word)
    if len(letters) < 2 or letters in _CAPITALISED_ANYWAY or any(sign.isdigit() for sign in word):  # noqa: PLR2004
        return False
    if not cased:
        return english and is_rare(word.lower())
    return word[0].isupper() and (not starts or (english and is_rare(word.lower())))


def bare(word: str) -> str:
    """Letters and digits in lower case, without an English genitive."""
    return "".join(sign for sign in word.lower().removesuffix("'s") if sign.isalnum())
