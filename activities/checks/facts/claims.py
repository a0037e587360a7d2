"""What is said of things: how many of what (`3 bedrooms`), and whether a word is denied (`not furnished`)."""

import re
from collections.abc import Sequence

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_NEGATORS = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "n't",
        "cannot",
        "neither",
        "nor",
        "dont",
        "doesnt",
        "isnt",
        "arent",
        "cant",
        "wont",
        "didnt",
        "wasnt",
        "hasnt",
        "havent",
        "unable",
        "lacks",
    ]
)
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_SCOPE = 4
_PHRASE = 4
_MOSTLY = 0.6
_BREAKS = frozenset(["but", "and", "however", "they", "their", "the", "phone", "its", "it"])


def denied(words: Sequence[str]) -> dict[str, bool]:
    """Telling words of an English text, and whether each stands under a negation; `words` as `spoken.words` gives."""
    found: dict[str, bool] = {}
    left = 0
    for word in words:
        if word in _NEGATORS or (
            word.endswith("nt")
            and word[:-2] in {"do", "does", "is", "are", "ca", "wo", "did", "was", "has", "have", "could"}
        ):
            left = _SCOPE
            continue
        if word in _BREAKS and left < _SCOPE:
            left = 0
        if word not in ENGLISH_STOP_WORDS and not word[0].isdigit():
            stem = _stem(word)
            found[stem] = found.get(stem, False) or left > 0
        left = max(0, left - 1)
    return found


def denials(expected: Sequence[str], actual: Sequence[str]) -> list[str]:
    """Words that one text denies and the other affirms."""
    wanted, heard = denied(expected), denied(actual)
    return [word for word, no in wanted.items() if word in heard and heard[word] is not no]


def said_twice(expected: Sequence[str], actual: Sequence[str]) -> str:
    """The phrase with which most of an answer says itself again; empty where it does not, or was expected to."""
    runs = [tuple(actual[at : at + _PHRASE]) for at in range(len(actual) - _PHRASE + 1)]
    wanted = [tuple(expected[at : at + _PHRASE]) for at in range(len(expected) - _PHRASE + 1)]
    again = [at for at, run in enumerate(runs) if runs.count(run) > 1]
    covered = {at + step for at in again for step in range(_PHRASE)}
    meant = len(set(wanted)) < len(wanted)
    return " ".join(runs[again[0]]) if again and not meant and len(covered) > _MOSTLY * len(actual) else ""


def counted(text: str) -> dict[str, set[str]]:
    """Numbers by the word that follows them, of a canonical English text: `3 bedrooms 2 baths`."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(
        r"(?<![\w.,:$])(\d[\d.,]*)(?: (?:or|more|different|other|available|great|nice|good)){0,2} ([a-z]{3,})", text
    ):
        found.setdefault(_stem(match[2])[:4], set()).add(_THOUSANDS.sub("", match[1]).rstrip(".,"))
    return found


def miscounted(expected: str, actual: str) -> list[tuple[str, str, str]]:
    """(thing, expected, heard) for things that both canonical texts count differently."""
    wanted, heard = counted(expected), counted(actual)
    return [
        (thing, "/".join(sorted(numbers)), "/".join(sorted(others)))
        for thing, numbers in wanted.items()
        for other, others in heard.items()
        if (thing.startswith(other) or other.startswith(thing)) and not numbers & others  # `bed` and `bedrooms`
    ]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - what is left must tell
            return word.removesuffix(ending)
    return word
