"""Sums of money, percentages, durations, ordinals and plain numbers."""

import re
from collections.abc import Iterator

from activities.checks.facts.fact import Fact, Kind, Match, Page
from activities.checks.spoken import digits
from voicewright.languages import base_language

_VALUE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_SPLIT = re.compile(r"\d*00\.[1-9]")
_IN_HUNDREDS = re.compile(r" (\d{1,2})(?!\d|[.,:/]\d| ?-)")
_CURRENCIES = {
    "$": r"\$|us\$|dollars?|bucks?|usd|dólar(?:es)?|dólares|dollari|dollaro|डॉलर|ドル|美元|달러",
    "£": r"£|pounds?(?: sterling)?|gbp|libras?|livres?(?: sterling)?|sterline|पाउंड|ポンド|英镑|파운드",
    "€": r"€|euros?|eur|यूरो|ユーロ|欧元|유로",
    "¥": r"¥|yen|円|日元|엔",
    "元": r"元|块钱|块|yuan|rmb|युआन|위안",
    "₹": r"₹|rupees?|rupias?|रुपये|रुपए|रूपये|रुपया",
    "R$": r"r\$|reais|real\b",
}
_SIGN_FIRST = re.compile(rf"(?P<sign>r\$|us\$|[$£€¥₹])\s?(?P<value>{_VALUE})")
_WORD_AFTER = {
    sign: re.compile(
        rf"(?P<value>{_VALUE})\s?(?:{words})(?!\w)(?:\s(?:and\s)?(?P<cents>\d{{1,2}})(?P<part>\s(?:cents?|pence|penny))?(?![\d\w.:]))?"
        if sign in "$£€"
        else rf"(?P<value>{_VALUE})\s?(?:{words})"
    )
    for sign, words in _CURRENCIES.items()
}
_SIGNS = {"us$": "$", "r$": "R$"}
_PERCENT = re.compile(
    rf"(?P<value>{_VALUE})\s?(?:%|per ?cent\b|por ?ciento|por ?cento|per ?cento|pour ?cent|prozent|प्रतिशत|パーセント|퍼센트)"
)
_UNITS = {
    "second": r"seconds?|segundos?|secondes?|secondi|sekunden?|सेकंड|秒钟?|초",
    "minute": r"minutes?|mins?\b|minutos?|minuti|minuten|मिनट|分钟|分間|분",
    "hour": r"hours?|hrs?\b|horas?|heures?|ore\b|stunden?|घंटे?|小时|時間|시간",
    "day": r"days?|días?|dias?|jours?|giorni|tage?n?\b|दिन|天|日間|일간",
    "week": r"weeks?|semanas?|semaines?|settiman[ae]|wochen?|हफ्ते|सप्ताह|周|週間|주일?",
    "month": r"months?|mes(?:es)?\b|mois|mesi|monate?n?|महीने|个月|か月|ヶ月|개월",
    "year": r"years?|años?|anos?|ans?\b|anni|jahre?n?|साल|年|년",
}
_DURATIONS = {
    unit: re.compile(rf"(?<![\d:.,])(?P<value>{_VALUE})[\s-]?(?:{words})(?![a-z])") for unit, words in _UNITS.items()
}
_BASE = {
    "second": ("minute", 1 / 60),
    "hour": ("minute", 60),
    "day": ("minute", 24 * 60),
    "week": ("minute", 7 * 24 * 60),
    "year": ("month", 12),
}
"""Units that a duration may be told in as well: 14 days are two weeks."""
_ORDINAL = re.compile(r"(?<![\w.,])(?P<value>\d+)(?:st|nd|rd|th|º|ª|er|ème|ter)\b|第(?P<east>\d+)")
_NUMBER = re.compile(rf"(?:(?<![\w.,|])[-+])?(?<![a-z\d.,_]){_VALUE}")
_COLD = r"(?<![a-z\d.,])-(?=[\d.]+\s?(?:度|摄氏|℃|°|도))"
"""A minus that follows a word without a space; elsewhere that is a range: 3楼-5楼."""
_NUMBER_EAST = re.compile(rf"(?:(?<![\w.,|])-|{_COLD})?{_VALUE}")
_DECIMAL_COMMA = {"de", "es", "fr", "it", "pt", "nl"}
_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[. ]\d{3})+(?!\d)")


def decimal_points(text: str, language: str) -> str:
    """`1.250,50` of languages with a decimal comma becomes `1250.50`."""
    if base_language(language) not in _DECIMAL_COMMA:
        return text
    return _COMMA.sub(".", _THOUSANDS.sub(lambda number: re.sub("[. ]", "", number[0]), text))


def number_of(text: str) -> float:
    """The number of a matched value; commas group thousands."""
    return float(text.replace(",", "").rstrip(".") or 0)


def find_amounts(page: Page) -> Iterator[Fact]:
    """Sums of money; strikes them out."""
    for pattern, fixed in ((_SIGN_FIRST, None), *((pattern, sign) for sign, pattern in _WORD_AFTER.items())):
        while (match := pattern.search(page.text)) is not None:
            sign = fixed or _SIGNS.get(match["sign"], match["sign"])
            value, cents = number_of(match["value"]), match.groupdict().get("cents")
            readings = {f"{sign}{value:.12g}"}
            if _SPLIT.fullmatch(match["value"]):  # no price has one decimal: a recogniser wrote 100 4 so
                readings.add(f"{sign}{value // 1 + round(value % 1 * 10):.12g}")
            if cents:
                whole = {f"{sign}{value + int(cents) / 100:.12g}"}
                readings = whole if match["part"] else whole | readings
            yield Fact(Kind.AMOUNT, page.strike(*match.span()), frozenset(readings))


def find_percentages(page: Page) -> Iterator[Fact]:
    """Percentages; strikes them out."""
    while (match := _PERCENT.search(page.text)) is not None:
        yield Fact(Kind.PERCENTAGE, page.strike(*match.span()), frozenset({f"{number_of(match['value']):.12g}%"}))


def find_durations(page: Page) -> Iterator[Fact]:
    """Spans of time; strikes them out."""
    page.text = re.sub(r"\bhalf an hour\b", "30 minutes", page.text)
    for unit, pattern in _DURATIONS.items():
        while (match := pattern.search(page.text)) is not None:
            value = number_of(match["value"])
            base, times = _BASE.get(unit, (unit, 1))
            readings = {f"{value:.12g} {unit}", f"{value * times:.12g} {base}"}
            yield Fact(Kind.DURATION, page.strike(*match.span()), frozenset(readings))


def find_ordinals(page: Page) -> Iterator[Fact]:
    """`3rd`; strikes them out."""
    while (match := _ORDINAL.search(page.text)) is not None:
        yield Fact(Kind.ORDINAL, page.strike(*match.span()), frozenset({match["value"] or match["east"]}))


def find_numbers(page: Page, language: str) -> Iterator[Fact]:
    """What is left of numbers; strikes them out."""
    pattern = _NUMBER_EAST if base_language(language) in {"zh", "ja", "ko"} else _NUMBER
    while (match := pattern.search(page.text)) is not None:
        value = number_of(match[0])
        readings = {f"{value:.12g}"}
        rest = _IN_HUNDREDS.match(page.text, match.end())
        if rest and value and value % 100 == 0:  # a house number, read as twenty-three hundred six
            readings.add(f"{value + int(rest[1]):.12g}")
        yield Fact(Kind.NUMBER, page.strike(*match.span()), frozenset(readings))


def match_amount(expected: str, text: str, language: str) -> Match:
    """A sum of money. An expectation without a currency fits any."""
    wanted = _amounts(expected, language) or {("", f"{value:.12g}") for value in _numbers(expected, language)}
    heard = _amounts(text, language)
    found = any(
        value == other and (not sign or sign == currency) for sign, value in wanted for currency, other in heard
    )
    return Match(found, tuple(f"{sign}{value}" for sign, value in sorted(heard)), unsure=not wanted)


def _amounts(text: str, language: str) -> set[tuple[str, str]]:
    facts = find_amounts(Page(decimal_points(digits(text, language), language)))
    return {
        (reading.rstrip("0123456789.e+-"), reading.lstrip("R$£€¥元₹")) for fact in facts for reading in fact.readings
    }


def _numbers(text: str, language: str) -> set[float]:
    spoken = decimal_points(digits(text, language), language)
    pattern = _NUMBER_EAST if base_language(language) in {"zh", "ja", "ko"} else _NUMBER
    return {number_of(match[0].lstrip("+")) for match in pattern.finditer(spoken)} | {
        float(match["value"] or match["east"]) for match in _ORDINAL.finditer(spoken)
    }


_ZERO = re.compile(r"\b(?:oh|o|zero)\b")
_CODE_DIGITS = 4
_TELEPHONE_DIGITS = 7
_RUN = re.compile(r"\d(?:[\d\s().,-]*\d)?")


def match_number(expected: float | str, text: str, language: str) -> Match:
    """A plain number; one given as text with four digits or more may be read out digit by digit."""
    heard = _numbers(text, language)
    shown = tuple(f"{value:.12g}" for value in sorted(heard))
    if isinstance(expected, str):
        code = re.sub(r"\D", "", digits(expected, language))
        if len(code) >= _CODE_DIGITS:
            runs = [re.sub(r"\D", "", run) for run in _RUN.findall(_ZERO.sub("0", digits(text, language)))]
            # A country's or an area's number may stand before a telephone number.
            found = any(run == code or (len(code) >= _TELEPHONE_DIGITS and run.endswith(code)) for run in runs)
            return Match(found, shown)
        wanted = _numbers(expected, language)
        return Match(bool(wanted & heard), shown, unsure=not wanted)
    return Match(float(expected) in heard, shown)
