"""Morning, afternoon, evening and night: which half of the day an hour means, by the words around it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from voicewright.languages import base_language

_HALF_DAY = 12 * 60
_SMALL_HOURS = 5 * 60
"""`At night`, the hours up to here are those after midnight."""


class DayPart(StrEnum):
    """A part of the day, as far as it tells the half."""

    MORNING = "a"
    AFTERNOON = "p"
    NIGHT = "n"


_ENGLISH = {
    "morning": DayPart.MORNING,
    "afternoon": DayPart.AFTERNOON,
    "evening": DayPart.AFTERNOON,
    "night": DayPart.NIGHT,
    "tonight": DayPart.NIGHT,
}
_DAY = r"(?:(?:on\s+|next\s+|this\s+)*(?:today|tomorrow|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day)s?,?\s+)"
_AFTER = re.compile(
    rf"(?:\s+(?:sharp|exactly))?,?\s+{_DAY}?(?:(?:in|of|on)\s+the\s+|this\s+|that\s+|at\s+|every\s+|the\s+)?"
    r"(?:early\s+|late\s+)?(?P<part>morning|afternoon|evening|night|tonight)\b"
)
_BEFORE = re.compile(
    r"(?<!good )\b(?P<part>morning|afternoon|evening|night|tonight)"
    r"(?:,\s+|\s+(?=(?:at|by|from|until|till|around|about|after|before|between|starting|we|you|it|is|are|our|your|the|they|he|she|i|there)\b))"
    r"(?:(?!but\b|or\b|and\b|then\b|instead\b)[a-z']+[\s,]+){0,6}$"
)


@dataclass(frozen=True)
class _Words:
    """What tells morning, afternoon and night in a language, and whether it stands before the hour alone."""

    morning: str
    afternoon: str
    night: str
    before_only: bool = False


_WORDS = {
    "es": _Words(r"de la mañana|por la mañana|madrugada|\ba\.?\s?m\b", r"de la tarde|por la tarde|esta tarde|mediod[ií]a|\bp\.?\s?m\b", r"de la noche|por la noche|esta noche|medianoche"),
    "pt": _Words(r"da manhã|de manhã|pela manhã|madrugada", r"da tarde|de tarde|à tarde|meio-dia", r"da noite|de noite|à noite|esta noite|meia-noite"),
    "fr": _Words(r"\bmatin\b", r"après-midi|du soir|ce soir|\bmidi\b", r"de la nuit|cette nuit|minuit"),
    "it": _Words(r"d[ie]l? mattin[oa]|stamattina|domattina", r"pomeriggio|d(?:i|ella) sera|stasera|mezzogiorno", r"di notte|stanotte|mezzanotte"),
    "de": _Words(r"(?<!guten )morgens?\b|vormittags?|früh\b", r"nachmittags?|(?<!guten )abends?\b|(?<!vor)mittags?\b", r"nachts?\b|mitternacht"),
    "zh": _Words(r"上午|早上(?!好)|清晨|凌晨|早晨|[今明]早", r"下午(?!好)|傍晚|中午|正午", r"晚上(?!好)|夜里|夜晚|[今明]晚|半夜|午夜", before_only=True),
    "ja": _Words(r"午前|朝|早朝", r"午後|夕方|正午|昼", r"夜|今晩|今夜", before_only=True),
    "ko": _Words(r"오전|아침|새벽", r"오후|저녁|낮|정오", r"밤|자정", before_only=True),
    "hi": _Words(r"सुबह", r"शाम|दोपहर", r"रात", before_only=True),
}  # fmt: skip
_NEAR_AFTER, _NEAR_BEFORE = 24, 40
_CLAUSE = re.compile(r"[.,;!?。、，；！？]|\d")  # noqa: RUF001 - full-width signs
_GAP = 8
"""Characters between a part of the day and its hour in scripts without spaces."""


def english_part(whole: str, start: int, end: int) -> DayPart | None:
    """The part of the day of an English time at `start` to `end`: in words directly after it, else before it."""
    found = _AFTER.match(whole, end) or _BEFORE.search(whole[max(0, start - 80) : start])
    return _ENGLISH[found["part"]] if found is not None else None


def part_of(whole: str, start: int, end: int, language: str) -> DayPart | None:
    """The part of the day of a time in another language."""
    words = _WORDS.get(base_language(language))
    if words is None:
        return None
    said = whole[start:end]
    after = "" if words.before_only else whole[end : end + _NEAR_AFTER]
    stop = _CLAUSE.search(after)
    after = after[: stop.start()] if stop is not None else after
    before = whole[max(0, start - (_GAP if words.before_only else _NEAR_BEFORE)) : start]
    stops = list(_CLAUSE.finditer(before))
    before = before[stops[-1].end() :] if stops else before
    for around in (said, after, before):
        for part, pattern in (
            (DayPart.MORNING, words.morning),
            (DayPart.AFTERNOON, words.afternoon),
            (DayPart.NIGHT, words.night),
        ):
            if re.search(pattern, around):
                return part
    return None


def minutes_of_day(minutes: int, part: DayPart | None) -> frozenset[int]:
    """The minutes of the day, 0 to 1439, that a time can mean; `minutes` is as the clock was read, up to 25 hours."""
    day = 2 * _HALF_DAY
    if minutes >= 13 * 60 or minutes < 0:
        return frozenset({minutes % day})
    base = minutes % _HALF_DAY
    if part is DayPart.NIGHT:
        part = DayPart.MORNING if base < _SMALL_HOURS else DayPart.AFTERNOON
    if part is not None:
        return frozenset({base + (_HALF_DAY if part is DayPart.AFTERNOON else 0)})
    return frozenset({base}) if minutes < 60 else frozenset({base, base + _HALF_DAY})  # noqa: PLR2004 - 0:35 is no 12:35
