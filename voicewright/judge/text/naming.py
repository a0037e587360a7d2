"""What English texts name, and what leads to it: `in Discovery Bay`, `an alarm called get up`."""

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from rapidfuzz import fuzz
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from voicewright.judge.text.proper_names import bare
from voicewright.judge.text.vocabulary import is_rare
from voicewright.judge.text.words import words

_ENDS = (".", ",", "!", "?", ":", ";")
_ENDS_SENTENCE = (".", "!", "?", ":")
_EDGES = ".,!?:;\"'()[]…“”‘’"  # noqa: RUF001 - that is what they are
_GLUED = re.compile(r"(?<=[a-z])([.!?,:])(?=[A-Z])")
"""`Street.Have`: two sentences without a space between them."""
_HYPHEN = re.compile(r"(?<=[^\W\d])-(?=[^\W\d])")
_NO_NAMES = frozenset(
    name.lower() for name in (*calendar.day_name, *calendar.month_name, "AM", "PM", "OK", "Okay", "Yup", "Yep") if name
) | {"fahrenheit", "farenheit", "celsius", "percent"}
_CALLED = frozenset({"called", "named", "titled"})
_NAME_OF = frozenset({"name", "title"})
_AFTER_NAME = frozenset(
    {"for", "at", "that", "is", "which", "and", "set", "it", "are", "was", "in", "as", "to", "a", "an", "the", "or"}
)
"""Words that do not begin, and do not go on in, a name that is written without capitals."""
_MOST_WORDS = 3
"""Of a name without capitals."""
_ALIKE = 80
"""Likeness of two spellings, 0 to 100, from which they may be one name."""
_SHORT_NAME = 3
"""A name of so few letters is itself or another."""
_ACRONYM = range(2, 5)


@dataclass(frozen=True)
class Named:
    """A name, in lower case, and the word before it; that is empty at the beginning of a sentence."""

    words: tuple[str, ...]
    after: str

    def __str__(self) -> str:
        return " ".join(self.words)

    @cached_property
    def spoken(self) -> list[str]:
        """Its words in one spelling for what is spoken alike, as `plain_words` gives them."""
        return words(str(self), "en")


def named(text: str) -> list[Named]:
    """Names by their capitals, and whatever words say that they name: `called get up`, `with the name Meeting`."""
    pieces = _pieces(text)
    return [*_capitalised(pieces), *_introduced(pieces)]


def plain_words(text: str) -> list[str]:
    """The words of a text as `is_said` looks for them: `doctor` and `Dr.` are one."""
    pieces = _pieces(text)
    return [*words(" ".join(pieces), "en"), *filter(None, map(bare, pieces))]


def is_said(name: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a text with these words may name it: in part, in another spelling, or by its initials."""
    if _by_initials(name, said):
        return True
    telling = [word for word in name if word not in ENGLISH_STOP_WORDS]
    return any(_near(word, said) for word in telling) if telling else all(_near(word, said) for word in name)


def lone_places(text: str) -> list[str]:
    """Rare words after `in`, whether they are capitalised or not: `in martinez`."""
    return [
        word
        for before, word in pairwise(map(bare, _pieces(text)))
        if before == "in" and word not in ENGLISH_STOP_WORDS | _NO_NAMES and is_rare(word)
    ]


def _pieces(text: str) -> list[str]:
    return _HYPHEN.sub(" ", _GLUED.sub(r"\1 ", text)).split()


def _capitalised(pieces: Sequence[str]) -> Iterator[Named]:
    run: list[str] = []
    after, before, starts = "", "", True
    for place, piece in enumerate(pieces):
        if before.endswith(_ENDS) and run:
            yield Named(tuple(run), after)
            run = []
        word = _name_word(piece, starts=starts and not run)
        if not word and not starts and not before.endswith(_ENDS) and (run or _capital(pieces[place + 1 : place + 2])):
            word = _small_word(piece)
        if run and not word:
            yield Named(tuple(run), after)
            run = []
        if word:
            after = after if run else "" if starts else bare(before)
            run.append(word)
        before, starts = piece, piece.endswith(_ENDS_SENTENCE)
    if run:
        yield Named(tuple(run), after)


def _name_word(piece: str, *, starts: bool) -> str:
    """The word in lower case if it may be of a name, else nothing."""
    core = piece.strip(_EDGES).removesuffix("'s").removesuffix("’s")  # noqa: RUF001
    word = bare(core)
    stem = re.split(r"['’-]", core.lower())[0]  # noqa: RUF001
    capital = core[:1].isupper() and len(word) > 1 and not any(sign.isdigit() for sign in word)
    if not capital or word in _NO_NAMES or stem in ENGLISH_STOP_WORDS or (starts and not is_rare(word)):
        return ""
    return word


def _capital(pieces: Sequence[str]) -> bool:
    return any(piece.strip(_EDGES)[:1].isupper() for piece in pieces)


def _small_word(piece: str) -> str:
    """A word that is no name by itself, but capitalised as a part of one: `Gotta Be Me`, `Your Name`."""
    core = piece.strip(_EDGES)
    word = bare(core)
    return word if core[:1].isupper() and word in ENGLISH_STOP_WORDS and len(word) > 1 else ""


def _introduced(pieces: Sequence[str]) -> Iterator[Named]:
    for place, piece in enumerate(pieces):
        word = bare(piece)
        if piece.endswith(_ENDS) or word not in _CALLED | _NAME_OF:
            continue
        first = place + 1
        if word in _NAME_OF and first < len(pieces) and bare(pieces[first]) in {"of", "is"}:
            first += 1
        if run := tuple(_run(pieces[first : first + _MOST_WORDS])):
            yield Named(run, "called")


def _run(pieces: Sequence[str]) -> Iterator[str]:
    for piece in pieces:
        word = bare(piece)
        if not word or word in _AFTER_NAME:
            return
        yield word
        if piece.endswith(_ENDS):
            return


def _near(word: str, said: Sequence[str]) -> bool:
    return any(word == other or (len(word) > _SHORT_NAME and fuzz.ratio(word, other) >= _ALIKE) for other in said)


def _by_initials(name: Sequence[str], said: Sequence[str]) -> bool:
    """`NYC` for New York City, either way round."""
    if len(name) != 1:
        return "".join(word[0] for word in name) in said
    [short] = name
    if len(short) not in _ACRONYM:
        return False
    runs = (said[at : at + len(short)] for at in range(len(said)))
    return any("".join(word[0] for word in run) == short for run in runs)
