"""How many of what a text says: `3 bedrooms`."""

import re
from collections.abc import Iterator

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.stems import stem

_COUNT = re.compile(
    r"(?<![\w.,:$])(\d[\d.,]*)(?: (?:or|more|different|other|available|great|nice|good)){0,2} ([a-z]{3,})"
)
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_LETTERS = 4
"""First letters by which a thing is known: `bedrooms` and `beds` are one."""


def miscounts(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Things that both texts count, with different results."""
    expected, actual = _counted(texts.canonical_expected), _counted(texts.canonical_actual)
    for key, (thing, numbers) in expected.items():
        for other, (_, heard) in actual.items():
            if (key.startswith(other) or other.startswith(key)) and not numbers & heard:
                yield Contradiction(Rule.MISCOUNT, "/".join(sorted(numbers)), "/".join(sorted(heard)), thing)


def _counted(text: str) -> dict[str, tuple[str, set[str]]]:
    """What a canonical English text counts: the first letters of each thing to the thing and its numbers."""
    found: dict[str, tuple[str, set[str]]] = {}
    for match in _COUNT.finditer(text):
        # Without `e`: the stem of `buses` is `buse`.
        key = stem(match[2]).rstrip("e")[:_LETTERS]
        found.setdefault(key, (match[2], set()))[1].add(_THOUSANDS.sub("", match[1]).rstrip(".,"))
    return found
