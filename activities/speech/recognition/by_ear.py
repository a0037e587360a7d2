"""Whether two spellings are one sound. What sounds alike is told apart by no ear, and by no recogniser."""

import re
from functools import lru_cache

from activities.errors import BadInputError
from activities.speech.voices.espeak import ipa, voice_name

_MARKS = re.compile(r"[ˈˌː\s_]")
"""Stress, length, and gaps between words."""
_SWITCHED = "("
"""Begins espeak-ng's note that it reads a word by the rules of another language, or a sign by its name."""
_TIE = "^"
_REDUCED = str.maketrans({"ɾ": "t", "ɐ": "ə", "ᵻ": "ɪ", "ɚ": "ə", "ɜ": "ə"})  # noqa: RUF001 - IPA
"""Sounds that English speakers do not keep apart in quick speech."""


def same_sound(one: str, other: str, language: str) -> bool:
    """Whether two phrases are spoken alike: `margherita` and `margarita`, `quill feather` and `Quillfeather`.

    False where espeak-ng does not read the language.

    Raises:
        InstallationError: espeak-ng is not installed.
    """
    first, second = phonemes(one, language), phonemes(other, language)
    return bool(first) and first == second


@lru_cache(maxsize=10_000)
def phonemes(text: str, language: str) -> str:
    """How a phrase sounds, as IPA without stress; empty where that is not known."""
    try:
        found = ipa(text, voice_name(language), _TIE).replace(_TIE, "")
    except BadInputError:
        return ""
    return "" if _SWITCHED in found else _MARKS.sub("", found).translate(_REDUCED)
