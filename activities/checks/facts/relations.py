"""How the same words stand to each other, and what makes that another answer.

Whither (`to Leeds`, `from Leeds`), who and to whom (`we pay`, `call us`), whether it is done (`was shipped`, `will be
shipped`), what is excepted (`unless`, `only for`), for each what (`per night`), and by which letter (`row F`). English
words, as `spoken.words` gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

_TURNED: Mapping[str, frozenset[str]] = {
    "to": frozenset({"from"}),
    "from": frozenset({"to", "until", "till"}),
    "until": frozenset({"from", "after"}),
    "till": frozenset({"from", "after"}),
    "after": frozenset({"before", "until", "till"}),
    "before": frozenset({"after"}),
    "behind": frozenset({"front"}),
    "front": frozenset({"behind"}),
}
"""Prepositions, and those that say otherwise of the same thing."""
_BETWEEN = frozenset({"the", "a", "an", "my", "your", "our", "of", "in", "at", "on"})
_DOERS = frozenset({"we", "you"})
_RECEIVERS = frozenset({"us", "you"})
_BEFORE_RECEIVERS = _TURNED.keys() | {
    "and", "are", "at", "by", "can", "do", "for", "if", "of", "on", "that", "will", "with", "would",
}  # fmt: skip
_NO_DEEDS = frozenset({
    "also", "are", "can", "could", "did", "do", "had", "have", "just", "like", "may", "might", "must", "need", "now",
    "please", "shall", "should", "want", "were", "will", "would",
})  # fmt: skip
_DONE = frozenset({"was", "were", "has", "have", "had", "been"})
_TO_COME = frozenset({"will", "can", "could", "shall", "being"})
_IRREGULAR = {
    "came": "come", "done": "do", "gave": "give", "given": "give", "made": "make", "paid": "pay", "sent": "send",
    "sold": "sell", "went": "go",
}  # fmt: skip
"""Pasts, with their stems."""
_EXCEPTING = frozenset(
    ["except", "excepting", "excluding", "unless", "only for", "only if", "only with", "only when", "only in"]
)
_ENDINGS = ("ed", "ing", "s", "d")
_MIN_STEM = 3
_PERSONS = frozenset({"adult", "guest", "head", "individual", "person", "seat", "ticket"})
_LETTERED = frozenset({
    "block", "building", "door", "exit", "gate", "hall", "platform", "room", "row", "seat", "section", "terminal", "track",
    "unit", "wing", "zone",
})  # fmt: skip


def turned(expected: Sequence[str], actual: Sequence[str]) -> list[tuple[str, str]]:
    """(expected, heard) for the same word in the other direction, by or to another, at another time, of another letter."""
    told = (_directions, _doers, _receivers, _times, _labels)
    return [pair for one in told for pair in _differing(one, expected, actual)]


def exceptions(expected: Sequence[str], actual: Sequence[str]) -> list[tuple[str, str]]:
    """(expected, heard) where one makes an exception or a condition and the other none."""
    wanted, heard = _excepted(expected), _excepted(actual)
    if bool(wanted) is bool(heard):
        return []
    return [(next(iter(wanted), "no exception"), next(iter(heard), "no exception"))]


def _differing(
    told: Callable[[Sequence[str]], dict[str, set[str]]], expected: Sequence[str], actual: Sequence[str]
) -> list[tuple[str, str]]:
    """What both say of one word, and neither says as the other does."""
    wanted, heard = told(expected), told(actual)
    return [
        (phrase, other)
        for word, phrases in wanted.items()
        for phrase in sorted(phrases)
        for other in sorted(heard.get(word, set()))
        if phrases.isdisjoint(heard[word]) and _excludes(phrase.split()[0], other.split()[0])
    ]


def _excludes(lead: str, other: str) -> bool:
    """Of prepositions not every one says otherwise than another: `by Friday`, `until Friday`."""
    return lead not in _TURNED or other in _TURNED[lead]


def _directions(words: Sequence[str]) -> dict[str, set[str]]:
    """What each word stands in that a preposition leads to: `to Leeds`."""
    found: dict[str, set[str]] = {}
    leads = ""
    for word in words:
        if word in _TURNED:
            leads = word
        elif word not in _BETWEEN:
            if leads:
                found.setdefault(word, set()).add(f"{leads} {word}")
            leads = ""
    return found


def _doers(words: Sequence[str]) -> dict[str, set[str]]:
    """What each word stands in that follows `we` or `you`."""
    found: dict[str, set[str]] = {}
    for who, what in pairwise(words):
        if who in _DOERS and what not in _NO_DEEDS:
            found.setdefault(what, set()).add(f"{who} {what}")
    return found


def _receivers(words: Sequence[str]) -> dict[str, set[str]]:
    """What each word stands in that `us` or `you` follow: `call you`."""
    found: dict[str, set[str]] = {}
    for what, whom in pairwise(words):
        if whom in _RECEIVERS and what not in _BEFORE_RECEIVERS:
            found.setdefault(what, set()).add(f"{what} {whom}")
    return found


def _times(words: Sequence[str]) -> dict[str, set[str]]:
    """What is said of each verb, by its stem: whether it is done already."""
    found: dict[str, set[str]] = {}
    for at, word in enumerate(words):
        before = frozenset(words[max(0, at - 2) : at])
        if before & _TO_COME:
            found.setdefault(_stem(word), set()).add(f"yet to {_stem(word)}")
        elif word in _IRREGULAR or (before & _DONE and word.endswith("ed")):
            found.setdefault(_stem(word), set()).add(f"already {word}")
    return found


def _excepted(words: Sequence[str]) -> list[str]:
    return [said for said in (*words, *(f"{word} {after}" for word, after in pairwise(words))) if said in _EXCEPTING]


def _labels(words: Sequence[str]) -> dict[str, set[str]]:
    """Rows, gates and the like with their letter, and `per` with what it is counted by."""
    found: dict[str, set[str]] = {}
    for word, label in pairwise(words):
        if word == "per" or (word in _LETTERED and len(label) == 1 and label.isalpha()):
            found.setdefault(word, set()).add(f"{word} {'person' if label in _PERSONS else label}")
    return found


def _stem(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return next((word.removesuffix(e) for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _MIN_STEM), word)
