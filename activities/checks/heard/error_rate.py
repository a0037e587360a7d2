"""How much of what was said was heard otherwise."""

from rapidfuzz.distance import Levenshtein

from voicewright.judge.text.words import UNSPACED, words
from voicewright.languages import base_language


def units(text: str, language: str) -> list[str]:
    """What errors are counted in: words, or characters where words are not told apart. Case and punctuation aside."""
    found = words(text, language)
    return list("".join(found)) if base_language(language) in UNSPACED else found


def error_rate(said: str, heard: str, language: str) -> float:
    """Edits over units said, after both were brought to one spelling; can exceed 1. Zero for an empty text.

    That is the word error rate (WER), or the character error rate (CER) of a language in `UNSPACED`.
    """
    reference, hypothesis = units(said, language), units(heard, language)
    return Levenshtein.distance(reference, hypothesis) / len(reference) if reference else 0.0


def error_rate_name(language: str) -> str:
    """`character error rate` or `word error rate`."""
    return "character error rate" if base_language(language) in UNSPACED else "word error rate"
