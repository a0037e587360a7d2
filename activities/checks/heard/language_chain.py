"""Languages in which our own chain is too weak for a fair verdict on words.

What an agent is judged by has gone through a telephone line and our recogniser. Where that chain mishears our own clear
voice too often, a wrong word says nothing about the agent, and a right one little: a person must listen. The figures
are those of `python bench/languages.py`: text → Kokoro → G.711 → Whisper base, ten sentences a language. Raise nothing
here without running it again.
"""

from voicewright.contracts.check import Doubt, DoubtKind
from voicewright.languages import LANGUAGES, base_language

CHAIN_ERROR: dict[str, float] = {
    "en-US": 0.018,
    "en-GB": 0.018,
    "es": 0.010,
    "fr": 0.101,
    "it": 0.157,
    "pt-BR": 0.039,
    "hi": 0.811,
    "ja": 0.024,
    "zh": 0.062,
}
"""Word error rate by language tag; character error rate of Japanese (as read aloud) and Chinese (as written)."""

PEOPLE_ERROR: dict[str, float] = {
    "en": 0.073,
    "es": 0.106,
    "fr": 0.372,
    "pt": 0.167,
    "ja": 0.078,
    "zh": 0.135,
    "de": 0.216,
}
"""The same for people's voices, by base language, where recordings were at hand (docs/languages.md)."""

MAX_CHAIN_ERROR = 0.15
"""Above it more than one word in seven is misheard: few answers of ten words would come through whole."""

MAX_MISSED = 0.02
"""Above it what was not heard, one word or two, was said and misheard too often to fail an agent for."""


MAX_MISSED_OF_PEOPLE = 0.08
"""The same for people's voices, which are harder than ours: an agent may be a person, or speak with one's voice."""


def chain_error(language: str) -> float | None:
    """The measured error for a tag: its own, else the worst of the same language; None where nothing was measured."""
    exact = {tag.lower(): error for tag, error in CHAIN_ERROR.items()}.get(language.lower())
    if exact is not None:
        return exact
    related = [error for tag, error in CHAIN_ERROR.items() if base_language(tag) == base_language(language)]
    return max(related, default=None)


def weak_doubt(language: str) -> Doubt | None:
    """Why words in this language decide nothing without a person; None when they may."""
    name = LANGUAGES.get(base_language(language), language)
    error = chain_error(language)
    if error is None:
        return Doubt(
            kind=DoubtKind.LANGUAGE_UNMEASURED,
            because=f"how well {name} ({language}) is heard was never measured here, so words alone decide nothing: "
            "listen to the recording",
        )
    if error > MAX_CHAIN_ERROR:
        return Doubt(
            kind=DoubtKind.LANGUAGE_WEAK,
            because=f"our own chain mishears {error:.0%} of {name} ({language}; at most {MAX_CHAIN_ERROR:.0%} are "
            "allowed), so words alone decide nothing: listen to the recording",
        )
    return None


def missed_doubt(language: str) -> Doubt | None:
    """Why what was not heard in this language may have been said; None where nearly everything is heard."""
    error = chain_error(language)
    if error is None:
        return None  # what was never measured decides nothing anyway
    people = PEOPLE_ERROR.get(base_language(language), 0.0)
    name = LANGUAGES.get(base_language(language), language)
    if error > MAX_MISSED:
        because = f"our own chain mishears {error:.0%} of {name} ({language}), so it may have been said: please listen"
    elif people > MAX_MISSED_OF_PEOPLE:
        because = (
            f"our own chain mishears {people:.0%} of {name} as people speak it, so it may have been said: please listen"
        )
    else:
        return None
    return Doubt(kind=DoubtKind.MAY_BE_MISHEARD, because=because)
