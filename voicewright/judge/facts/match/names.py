"""Whether a text states a name, as a recogniser may spell it."""

from rapidfuzz import fuzz

from voicewright.judge.facts.fact import Match
from voicewright.judge.text.spelling import by_sound
from voicewright.judge.text.words import unaccented, words

_MAYBE_SAME_NAME = 68.0


def match_name(expected: str, text: str, language: str) -> Match:
    """Match a name, allowing for spellings that sound the same: Addams is Adams, but Austria is not Australia.

    A name that is nearly the same is for people: a recogniser may have heard one for the other, or the agent said it.
    """
    wanted, heard = (words(unaccented(one), language) for one in (expected, text))
    best, nearest, found = 0.0, "", False
    for size in range(max(1, len(wanted) - 1), len(wanted) + 2):
        for at in range(max(0, len(heard) - size + 1)):
            run = heard[at : at + size]
            found = found or by_sound("".join(wanted)) == by_sound("".join(run))
            score = fuzz.ratio("".join(wanted), "".join(run))
            if score > best:
                best, nearest = score, " ".join(run)
    return Match(found and bool(wanted), (nearest,) if nearest else (), not found and best >= _MAYBE_SAME_NAME)
