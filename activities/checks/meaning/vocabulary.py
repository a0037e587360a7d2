"""Common English words, as the encoder's own vocabulary orders them: what is not among them is mostly a name."""

import json
from functools import cache, lru_cache
from importlib.resources import files

_FIRST, _COMMONEST = 1_996, 11_000
"""Rows of BERT's vocabulary that hold whole words, the commonest first."""


@cache
def common_words() -> frozenset[str]:
    """In lower case; read once."""
    tokenizer = json.loads((files("activities.checks.meaning") / "data" / "tokenizer.json").read_text("utf-8"))
    return frozenset(word for word, row in tokenizer["model"]["vocab"].items() if _FIRST <= row < _COMMONEST)


@lru_cache(maxsize=50_000)
def is_rare(word: str) -> bool:
    """Whether a word is none of the common English ones, as far as their endings tell."""
    return word.isalpha() and word.isascii() and len(word) > 2 and not _common(word)  # noqa: PLR2004 - `dr`, `st`


def _common(word: str) -> bool:
    forms = (word, word.removesuffix("s"), word.removesuffix("ed"), word.removesuffix("ing"))
    return not common_words().isdisjoint(forms)
