"""Names of months and weekdays, from the Unicode CLDR through Babel, and words such as tomorrow."""

import re
from functools import cache

from babel import Locale, UnknownLocaleError

NO_WORD_EDGES = frozenset({"zh", "ja", "ko", "hi", "th"})
RELATIVE: dict[str, dict[str, int]] = {
    "en": {"the day after tomorrow": 2, "day after tomorrow": 2, "the day before yesterday": -2, "today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1},
    "es": {"pasado mañana": 2, "hoy": 0, "ayer": -1, "mañana": 1},
    "fr": {"après-demain": 2, "aujourd'hui": 0, "demain": 1, "hier": -1},
    "it": {"dopodomani": 2, "oggi": 0, "domani": 1, "ieri": -1},
    "pt": {"depois de amanhã": 2, "hoje": 0, "amanhã": 1, "ontem": -1},
    "de": {"übermorgen": 2, "heute": 0, "gestern": -1, "morgen": 1},
    "zh": {"后天": 2, "今天": 0, "明天": 1, "昨天": -1},
    "ja": {"明後日": 2, "今日": 0, "明日": 1, "昨日": -1},
    "ko": {"모레": 2, "오늘": 0, "내일": 1, "어제": -1},
    "hi": {"परसों": 2, "आज": 0},
}  # fmt: skip
_IS_MORNING = {
    ("es", "mañana"): r"(?<!\bla )(?<!\besta )(?<!\buna )(?<!\bcada )(?<!\| )",
    (
        "de",
        "morgen",
    ): r"(?<!am )(?<!guten )(?<!heute )(?<!jeden )(?<!den )(?<!dem )(?<!der )(?<!gestern )(?<!diesen )(?<!\| )",
}
"""Words that mean a morning after these."""
_SHORT = "abbreviated"
_VERBS = frozenset({"may", "march"})
"""Months that are words of other kinds as well."""


@cache
def names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """Names of months (1 to 12) and of weekdays (Monday is 0) in lower case."""
    try:
        locale = Locale(language)
    except UnknownLocaleError:
        return {}, {}
    months: dict[str, int] = {}
    days: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", _SHORT):
            for number, name in locale.months[context][width].items():
                months.setdefault(name.lower().rstrip("."), number)
        for number, name in locale.days[context]["wide"].items():
            days.setdefault(name.lower(), number)
    if language == "zh":
        days |= {f"{week}{sign}": n for week in ("周", "礼拜") for n, sign in enumerate("一二三四五六日")}
        days |= {f"{week}{n + 1}": n for week in ("星期", "周", "礼拜") for n in range(6)}
    if language == "hi":
        days |= {"सोमवार": 0, "मंगलवार": 1, "बुधवार": 2, "गुरुवार": 3, "शुक्रवार": 4, "शनिवार": 5, "रविवार": 6}
    months = {name: number for name, number in months.items() if not name[:1].isdigit()}
    return months, days


@cache
def short_weekdays(language: str) -> dict[str, int]:
    """English weekdays as they are abbreviated; empty for other languages, whose short forms are other words."""
    found = Locale("en").days["format"][_SHORT] if language == "en" else {}
    return {name.lower().rstrip("."): number for number, name in found.items()} | (
        {"tues": 1, "thur": 3, "thurs": 3} if found else {}
    )


@cache
def edge(language: str) -> str:
    """The edge of a word as a pattern; empty in scripts without spaces."""
    return "" if language in NO_WORD_EDGES else r"\b"


@cache
def relative_words(language: str) -> tuple[tuple[re.Pattern[str], int], ...]:
    """Words for days around today, each with the days from today."""
    rim = edge(language)
    return tuple(
        (re.compile(f"{_IS_MORNING.get((language, word), '')}{rim}{re.escape(word)}{rim}"), shift)
        for word, shift in RELATIVE.get(language, {}).items()
    )


def is_verb(month: str) -> bool:
    """Whether the name of an English month is also a word of another kind: you may, they march."""
    return month in _VERBS
