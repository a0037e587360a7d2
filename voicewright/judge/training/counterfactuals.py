"""Generates wrong answers from right ones: one value changed, or one negation added or removed.

They teach the encoder to compare values instead of remembering those of its training data.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from voicewright.judge.pair import Pair

_NUMBER = re.compile(r"(?<![\w.,:])\d+(?=(?:[:.,]\d+)?(?![\w]))")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*")
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_NEGATE = [
    (re.compile(r"\b(is|are|was|were|does|do|has been|have been|can) not\b"), r"\1"),
    (re.compile(r"\b(is|are|was|were|can)n't\b"), r"\1"),
    (re.compile(r"\b(is|are|was|were|has been|have been|can|will)\b(?! not)"), r"\1 not"),
]


def counterfactuals(pairs: Sequence[Pair], labels: Sequence[int], count: int, rng: random.Random) -> list[Pair]:
    """Generate up to `count` wrong pairs from English pairs whose label is a pass (1)."""
    right = [pair for pair, label in zip(pairs, labels, strict=True) if label and pair.language == "en"]
    names = sorted({name for pair in right for name in _NAME.findall(pair.actual)})
    rng.shuffle(right)
    made: list[Pair] = []
    for pair in right:
        if len(made) >= count:
            break
        changed = _changed(pair, names, rng)
        if changed is not None and changed != pair.actual:
            made.append(replace(pair, actual=changed))
    return made


def _changed(pair: Pair, names: Sequence[str], rng: random.Random) -> str | None:
    numbers = [m for m in _NUMBER.finditer(pair.actual) if re.search(rf"(?<!\d){m[0]}(?!\d)", pair.expected)]
    known = [m for m in _NAME.finditer(pair.actual) if m[0].lower() in pair.expected.lower()]
    kind = rng.random()
    if known and kind < 0.5:  # noqa: PLR2004 - half of them names, which an encoder knows least
        match = rng.choice(known)
        other = rng.choice(_DAYS if match[0] in _DAYS else names)
        return None if other.lower() in pair.expected.lower() else _put(pair.actual, match, other)
    if numbers and kind < 0.85:  # noqa: PLR2004
        match = rng.choice(numbers)
        other = _another(match[0], rng)
        return None if re.search(rf"(?<!\d){other}(?!\d)", pair.expected) else _put(pair.actual, match, other)
    for pattern, put in _NEGATE:
        if pattern.search(pair.actual):
            return pattern.sub(put, pair.actual, count=1)
    return None


def _another(number: str, rng: random.Random) -> str:
    if len(number) > 2 and rng.random() < 0.5:  # noqa: PLR2004 - one digit of a long number
        at = rng.randrange(len(number))
        return number[:at] + str((int(number[at]) + rng.randrange(1, 10)) % 10) + number[at + 1 :]
    return str(max(0, int(number) + rng.choice([-3, -2, -1, 1, 2, 3, 10])))


def _put(text: str, match: re.Match[str], other: str) -> str:
    return text[: match.start()] + other + text[match.end() :]
