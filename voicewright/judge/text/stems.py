"""Stems of English words: `reservation`, `reserved` and `reserves` share one."""

from functools import lru_cache
from threading import Lock

import snowballstemmer

_stemmer = snowballstemmer.stemmer("english")
_lock = Lock()
"""The stemmer keeps the word that it works on."""


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of an English word in lower case (Porter, "The English (Porter2) stemming algorithm", Snowball)."""
    with _lock:
        return str(_stemmer.stemWord(word))
