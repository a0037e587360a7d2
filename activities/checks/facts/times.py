"""Clock times: `half past seven`, `7.30`, `730 pm`, `19:30`, `las siete y media`, `七点半`.

English is read in full; of other languages the clock words in the table and everything written with a colon. A time
without morning or evening is both.
"""

import re
from collections.abc import Iterator, Sequence

from activities.checks.facts.fact import Fact, Kind, Match, Page
from activities.checks.spoken import digits
from voicewright.languages import base_language

_HALF_DAY = 12 * 60
_MERIDIEM = r"(?:[\s-]*(?P<half>a\.?\s?m\b|p\.?\s?m\b)\.?|\s+in the (?P<part>morning|afternoon|evening)|\s+at (?P<night>night))?"
_START = r"(?<![\d:.,$£€])"
_ENGLISH = [
    re.compile(rf"{_START}(?P<h>\d{{1,2}})\s?[:.]\s?(?P<m>\d{{2}})(?![\d:]){_MERIDIEM}"),
    re.compile(rf"{_START}(?P<h>\d{{1,2}})[ ,](?:oh?\s|0\s|(?=\d\d))(?P<m>\d{{1,2}})(?![\d:]|\.\d){_MERIDIEM}"),
    re.compile(rf"{_START}(?P<h>\d{{1,2}})(?P<m>\d{{2}})(?![\d:]|\.\d){_MERIDIEM}"),
    re.compile(rf"{_START}(?P<h>\d{{1,2}})(?:\s?o'?\s?clock)?(?![\d:]|\.\d){_MERIDIEM}"),
]
_RELATIVE = re.compile(
    r"(?P<amount>half|(?:a )?quarter|5|10|20|25|\d{1,2} minutes?) (?P<way>past|after|to|before|till?|of) "
    rf"(?P<h>\d{{1,2}}){_MERIDIEM}"
)
_NOON = re.compile(r"\b(?:noon|midday)\b")
_MIDNIGHT = re.compile(r"\bmidnight\b")
_BEFORE_TIME = re.compile(r"\b(?:at|from|until|till|by|to|for|around|about|is|it's|starts?|before|after)\s*$")
_COLON = re.compile(rf"{_START}(?P<h>\d{{1,2}})\s?:\s?(?P<m>\d{{2}})(?![\d:])")

_H = rf"{_START}(?P<h>\d{{1,2}})"
_M = r"(?P<m>\d{1,2})(?!\d)"
_COMPARED = "远遠近快慢早晚大小多少高低好贵貴宜静靜热熱冷亮暗长長短轻輕重强強弱难難松紧緊厚薄深浅淺新久有"
_CLOCK_NOT_BIT = "|".join(
    (
        r"(?!1[点點])",
        r"(?=1[点點][钟鐘整])",
        r"(?<=有)(?=1[点點]的)",
        r"(?<=[今明昨后後每当當][早晚])",
        r"(?<=差不多)",
        rf"(?<![{_COMPARED}])(?<![{_COMPARED}] )(?!1[点點] ?[儿兒也都点點])",
    )
)
"""`早一点` is a bit earlier, `有一点远` a bit far: what is compared before it makes `1点` a bit, and no hour."""
_WORDS: dict[str, list[tuple[str, int | None]]] = {
    "es": [
        (rf"\blas? {_H} y media", 30), (rf"\blas? {_H} y cuarto", 15), (rf"\blas? {_H} menos cuarto", -15),
        (rf"\blas? {_H} (?:y |con )?{_M}", None), (rf"\blas? {_H}(?! ?[:.]?\d)", 0),
    ],
    "pt": [
        (rf"{_H} ?(?:horas? )?e meia\b", 30), (rf"{_H} ?(?:h|horas?) ?(?:e )?{_M}", None), (rf"\b[àa]s {_H} e {_M}", None),
        (rf"{_H} ?(?:h|horas?)\b", 0), (rf"\b[àa]s {_H}(?! ?[:.]?\d)", 0),
    ],
    "fr": [
        (rf"{_H} ?heures? et demie?", 30), (rf"{_H} ?heures? et quart", 15), (rf"{_H} ?heures? moins le quart", -15),
        (rf"{_H} ?(?:h|heures?) ?{_M}", None), (rf"{_H} ?(?:h|heures?)\b", 0),
    ],
    "it": [
        (rf"{_H} e mezz[ao]", 30), (rf"{_H} e (?:un )?quarto", 15), (rf"{_H} meno un quarto", -15),
        (rf"\b(?:alle|ore|dalle) {_H} e {_M}", None), (rf"\b(?:alle|ore|dalle) {_H}(?! ?[:.]?\d)", 0),
    ],
    "de": [
        (rf"halb {_H}", -30), (rf"viertel nach {_H}", 15), (rf"viertel vor {_H}", -15),
        (rf"{_H} uhr {_M}", None), (rf"{_H} uhr", 0),
    ],
    "zh": [
        (rf"{_H}[点點时時]半", 30), (rf"{_H}[点點时時]1刻", 15), (rf"{_H}[点點时時]{_M}", None),
        (rf"(?:{_CLOCK_NOT_BIT}){_H}[点點]", 0),
    ],
    "ja": [(rf"{_H}時半", 30), (rf"{_H}時{_M}", None), (rf"{_H}時(?!間)", 0)],
    "ko": [(rf"{_H}시 ?반", 30), (rf"{_H}시 ?{_M}", None), (rf"{_H}시(?!간)", 0)],
    "hi": [
        (rf"साढ़े {_H}", 30), (rf"सवा {_H}", 15), (rf"पौने {_H}", -15),
        (rf"{_H} बजकर {_M}", None), (rf"{_H} बजे", 0),
    ],
}  # fmt: skip
_CLOCK = {
    language: [(re.compile(pattern), minutes) for pattern, minutes in patterns] for language, patterns in _WORDS.items()
}
_PARTS: dict[str, tuple[str, str]] = {
    "en": (r"\ba\.?\s?m\b|morning", r"\bp\.?\s?m\b|afternoon|evening|at night"),
    "es": (r"\ba\.?\s?m\b|de la mañana|madrugada", r"\bp\.?\s?m\b|de la tarde|de la noche"),
    "pt": (r"da manhã", r"da tarde|da noite"),
    "fr": (r"du matin", r"du soir|de l'après-midi"),
    "it": (r"d[ie]l? mattin[oa]", r"d[ie]l? pomeriggio|di sera|della sera"),
    "de": (r"morgens|vormittags|am (?:vor)?mittag|früh", r"nachmittags?|abends?"),
    "zh": (r"上午|早上|凌晨|早晨", r"下午|晚上|傍晚|中午"),
    "ja": (r"午前|朝", r"午後|夜|夕方"),
    "ko": (r"오전|아침", r"오후|저녁|밤"),
    "hi": (r"सुबह", r"शाम|दोपहर|रात"),
}


def find_times(page: Page, language: str) -> Iterator[Fact]:
    """Times that are certainly times; strikes them out."""
    base = base_language(language)
    if base == "en":
        yield from _english(page)
        return
    halves = _PARTS.get(base)
    for pattern, fixed in [*_CLOCK.get(base, []), (_COLON, None)]:
        while (match := pattern.search(page.text)) is not None:
            minute = int(match["m"]) if fixed is None else fixed
            half = _nearby_half(page.text, match.span(), halves)
            said = page.strike(*match.span())
            if int(match["h"]) > 24 or minute >= 60:  # noqa: PLR2004 - a clock
                continue
            total = int(match["h"]) * 60 + minute
            yield _fact(said, _both(total, half))


def _nearby_half(text: str, span: tuple[int, int], halves: tuple[str, str] | None) -> str:
    """`a` or `p` by the words just before a time, else by those just after it."""
    for around in (text[max(0, span[0] - 8) : span[0]], text[span[1] : span[1] + 22]):
        for half, words in zip("ap", halves or (), strict=False):
            if re.search(words, around):
                return half
    return ""


def _english(page: Page) -> Iterator[Fact]:
    page.text = _MIDNIGHT.sub("12:00 am", _NOON.sub("12:00 pm", page.text))
    while (match := _RELATIVE.search(page.text)) is not None:
        minutes = _relative_minutes(match)
        yield _fact(page.strike(*match.span()), _both(minutes, _half(match)))
    for index, pattern in enumerate(_ENGLISH):
        at = 0
        while (match := pattern.search(page.text, at)) is not None:
            at = match.end()
            hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
            clear = _marked(match) or (index == 0 and ":" in match[0])
            if not clear and (index == len(_ENGLISH) - 1 or not _BEFORE_TIME.search(page.text[: match.start()])):
                continue
            if hour > 24 or minute >= 60:  # noqa: PLR2004 - a clock
                continue
            both = _both(hour * 60 + minute, _half(match))
            yield _fact(page.strike(*match.span()), both)


def _fact(said: str, minutes: frozenset[int]) -> Fact:
    return Fact(Kind.TIME, said, frozenset(f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes))


def _marked(match: re.Match[str]) -> bool:
    return any(match[name] for name in ("half", "part", "night")) or "clock" in match[0]


def _half(match: re.Match[str]) -> str:
    half = (match["half"] or "")[:1] or {"morning": "a", "afternoon": "p", "evening": "p"}.get(match["part"] or "", "")
    return half or ("p" if match["night"] else "")


def _both(minutes: int, half: str) -> frozenset[int]:
    """Minutes of the day that a time of the clock can be."""
    base = minutes % _HALF_DAY
    if minutes >= 13 * 60:
        return frozenset({minutes % (2 * _HALF_DAY)})
    if half:
        return frozenset({base + (_HALF_DAY if half == "p" else 0)})
    return frozenset({base, base + _HALF_DAY})


def _relative_minutes(match: re.Match[str]) -> int:
    amount = match["amount"]
    shift = 30 if amount == "half" else 15 if "quarter" in amount else int(amount.split()[0])
    return int(match["h"]) * 60 + (shift if match["way"] in {"past", "after"} else -shift)


def match_time(expected: str, text: str, language: str) -> Match:
    """Whether a text can be read as saying a clock time; every reading counts. Without am or pm, 9:30 is both."""
    wanted = _strongest(_readings(digits(expected, language), language))
    readings = _readings(digits(text, language), language)
    heard = {minute for _, minutes, _ in readings for minute in minutes}
    clear = [minutes for _, minutes, weak in readings if not weak]
    shown = sorted({f"{min(minutes) // 60 or 12}:{min(minutes) % 60:02d}" for minutes in clear})
    return Match(bool(wanted & heard), tuple(shown), unsure=not wanted)


def _readings(text: str, language: str) -> list[tuple[str, frozenset[int], bool]]:
    """All readings as minutes of the day; the flag marks weak ones (a bare number that may be an hour)."""
    found: list[tuple[str, frozenset[int], bool]] = []
    if base_language(language) != "en":
        found += [
            (fact.said, frozenset(int(r[:2]) * 60 + int(r[3:]) for r in fact.readings), False)
            for fact in find_times(Page(text), language)
        ]
    plain = _MIDNIGHT.sub("12:00 am", _NOON.sub("12:00 pm", text))
    found += [(match[0], _both(_relative_minutes(match), _half(match)), False) for match in _RELATIVE.finditer(plain)]
    for index, pattern in enumerate(_ENGLISH):
        for match in pattern.finditer(plain):
            hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
            if hour < 24 and minute < 60:  # noqa: PLR2004 - a clock
                weak = index == len(_ENGLISH) - 1 and not _marked(match)
                found.append((match[0], _both(hour * 60 + minute, _half(match)), weak))
    return found


def _strongest(readings: Sequence[tuple[str, frozenset[int], bool]]) -> frozenset[int]:
    """The reading that uses most of the text: `9:30` is not also `9`."""
    if not readings:
        return frozenset()
    return max(readings, key=lambda reading: (not reading[2], len(reading[0])))[1]
