"""Common English words, by the rank in the encoder's vocabulary. A word that is not common is mostly a name."""

import json
from functools import cache, lru_cache
from importlib.resources import files

_FIRST, _COMMONEST = 1_996, 11_000
"""Rows of BERT's vocabulary that hold whole words, the most common first."""


@cache
def common_words() -> frozenset[str]:
    """The common words in lower case; read once."""
    tokenizer = json.loads((files("voicewright.judge.model") / "data" / "tokenizer.json").read_text("utf-8"))
    return frozenset(word for word, row in tokenizer["model"]["vocab"].items() if _FIRST <= row < _COMMONEST)


@lru_cache(maxsize=50_000)
def is_rare(word: str) -> bool:
    """Whether an English word, without its ending, is not among the common ones."""
    return word.isalpha() and word.isascii() and len(word) > 2 and not _common(word)  # noqa: PLR2004 - `dr`, `st`


def _common(word: str) -> bool:
    forms = (word, word.removesuffix("s"), word.removesuffix("ed"), word.removesuffix("ing"))
    return not common_words().isdisjoint(forms)
