"""Spellings of one word: British and American ones, and those that sound the same."""

import re
from functools import lru_cache

_RULES = (
    (re.compile(r"^([a-z]{3,})our(?=$|s$|ed$|ing$|ite|able$|ful$|less$)"), r"\1or"),
    (re.compile(r"^([a-z]{3,})is(?=e$|es$|ed$|ing$|er$|ers$|ation)"), r"\1iz"),
    (re.compile(r"^(anal|paral|catal)ys(?=e$|es$|ed$|ing$)"), r"\1yz"),
    (re.compile(r"^([a-z]{2,}[tb])re(?=$|s$)"), r"\1er"),
    (re.compile(r"^([a-z]*[aeiou][a-z]*[^aeiou][aeiou])ll(?=ed$|ing$|er$|ers$|or$|ors$)"), r"\1l"),
    (re.compile(r"^([a-z]{3,})ogue(?=s?$)"), r"\1og"),
    (re.compile(r"^(lic|def|off|pret)en[cs]e(?=s?$)"), r"\1ense"),
    (re.compile(r"^(program)me(?=s?$)"), r"\1"),
)
_WORDS = {
    "grey": "gray",
    "jewellery": "jewelry",
    "aluminium": "aluminum",
    "plough": "plow",
    "mum": "mom",
    "pyjamas": "pajamas",
    "fulfil": "fulfill",
    "enrol": "enroll",
    "skilful": "skillful",
    "moustache": "mustache",
    "cosy": "cozy",
    "favourite": "favorite",
}

_SOUNDS = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"(?<=[gkr])h"), ""),
    (re.compile(r"ck|q(?!u)|c(?![eiyh])"), "k"),
    (re.compile(r"y(?![aeiou])"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)
"""Letters that are spelt in several ways and sound the same wherever they stand."""
_VOWELS = re.compile(r"[aeiou]+")


@lru_cache(maxsize=50_000)
def american(word: str) -> str:
    """One spelling for both, in lower case: `color` for `colour`. It need not be a word."""
    word = _WORDS.get(word, word)
    for pattern, put in _RULES:
        word = pattern.sub(put, word)
    return word


@lru_cache(maxsize=50_000)
def by_sound(word: str) -> str:
    """One spelling for all that sound the same: `adams` for `addams`. Vowels stay: Marie is not Maria."""
    for pattern, put in _SOUNDS:
        word = pattern.sub(put, word)
    return word


def consonants(word: str) -> str:
    """What is left of the sound without vowels: the same for `margherita` and `margarita`."""
    return _VOWELS.sub("", by_sound(word))
