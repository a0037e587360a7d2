"""Another name in the place of an expected one: `Phoenix` for `Sausalito`, `an alarm called Wake up` for `called Get up`."""

import re
from collections.abc import Iterator

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.naming import Named, is_said, lone_places, named, plain_words

_LEADING = frozenset({"in", "at", "for", "to", "near", "from", "with", ""})
"""Words after which a question and an answer name the same: `weather in Pinole`, `It is sunny in Pinole`."""
_PLACING = frozenset({"in", "at"})
_SHORT = 2
"""Shorter words of names are abbreviations: `St. Mary` and Saint Mary."""
_SIGNS = re.compile(r"[^\w\s,&]")
_BESIDE = r"\s*(?:,|&|,?\s+(?:or|and))\s+(?:or |and )?"
"""What stands between two items of a list."""


def other_names(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Another name where one was expected, or where the question has one that the expected answer need not repeat."""
    if texts.is_bare or texts.is_long:
        return
    expected, actual, question = map(named, (texts.expected_text, texts.actual_text, texts.question))
    wanted, heard, asked = map(plain_words, (texts.expected_text, texts.actual_text, texts.question))
    lost = [name for name in expected if not is_said(name.spoken, heard)]
    added = [name for name in actual if not is_said(name.spoken, wanted)]
    strange = [name for name in added if not is_said(name.spoken, asked)]
    unsaid = [name for name in question if not is_said(name.spoken, heard) and not is_said(name.spoken, wanted)]
    places = [Named((word,), "in") for word in lone_places(texts.actual_text)]
    places = [one for one in places if not is_said(one.spoken, wanted) and not is_said(one.spoken, asked)]
    for before, after in (
        (lost, added),
        ([one for one in unsaid if one.after in _LEADING], [one for one in strange if one.after in _LEADING]),
        ([one for one in (*lost, *unsaid) if one.after in _PLACING], places),
        (_parts(expected, heard), _parts(actual, [*wanted, *asked])),
    ):
        if before and after:
            yield Contradiction(Rule.NAME, str(before[0]), str(after[0]))
            return
    if lost and (shared := _listed(texts.expected_text, expected, lost)):
        yield Contradiction(Rule.NAME, str(lost[0]), ", ".join(shared))


def _parts(names: list[Named], words: list[str]) -> list[str]:
    """Single words of names that the other text lacks: `O'Hare` of O'Hare International Airport."""
    return [word for name in names for word in name.spoken if len(word) > _SHORT and not is_said((word,), words)]


def _listed(text: str, names: list[Named], lost: list[Named]) -> list[str]:
    """Names that were said beside lost ones in one list: `Dumbo` of `Dumbo, Hellboy or Little`; mostly empty."""
    said = [str(name) for name in names if name not in lost]
    plain = _SIGNS.sub("", text.lower())
    gone = "|".join(re.escape(str(name)) for name in lost)
    return [
        one
        for one in said
        if re.search(rf"\b(?:{re.escape(one)}{_BESIDE}(?:{gone})|(?:{gone}){_BESIDE}{re.escape(one)})\b", plain)
    ]
