"""Telephone numbers and codes, spoken digit by digit, in groups, or letter by letter."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import Fact, Kind, Page
from voicewright.languages import base_language

_MIN_TELEPHONE = 7
_MIN_CODE = 3
_SPELT = [
    "alpha",
    "alfa",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "x-ray",
    "xray",
    "yankee",
    "zulu",
]
_AS_IN = re.compile(rf"\b([a-z]) (?:as in [a-z]+|(?:for|like) (?:{'|'.join(_SPELT)}))\b,?")
_ALPHABET = re.compile(rf"\b(?:{'|'.join(_SPELT)})(?:,? (?:{'|'.join(_SPELT)}))+\b")
"""Two words of the spelling alphabet in a row: one alone may mean what it says."""
_DOUBLED = re.compile(r"\b(?P<times>double|triple|treble) (?P<sign>\w)\b")
_OH = re.compile(r"(?<=\d )(?:oh|o|zero)(?= \d)|(?<=\d )(?:oh|o|zero)\b(?! ?'?\s?clock)|\b(?:oh|o|zero)(?= \d)")
_MONEY = r"(?:\s?(?:[日美欧歐港]?元|円|块|塊)|\s?(?:de |d'|di )?(?:[$£€₹]|dollars?|bucks|pounds?|euros?|rupees?|reais|yen|francs?)(?!\w))"
_COUNTED = re.compile(r"\s?(?:人(?!工)|名|位(?![于於置])|间(?!接)|度|米|公里|平[方米])")
_RANGE = re.compile(r"\d+\s?-\s?\d+")
"""A range of counts or prices, which is not a telephone number: 500-1000元."""
_TELEPHONE = re.compile(
    rf"(?<![a-z\d.$£€¥₹])(?<!\d:)\+?\(?\d(?:[\d\s()/-]|[.,](?= ?\d)){{5,}}\d(?![a-z\d:]|\.\d|{_MONEY})"
)
_PART = re.compile(r"(?:[^,.]|\.(?! ))+")
_SPACED, _TIGHT = re.compile(r"[.,] "), re.compile(r"[.,]\d")
_SENTENCES = re.compile(r"\. ")
_DECIMALS = re.compile(r"\d\.\d\d?(?!\d)")
_PARTS_SAID = 3
"""If a number is spoken in so many parts, full stops between them are pauses."""
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:,? \d{1,3}(?:,\d{3})+)*")
_LETTERS = re.compile(r"(?<![\w'’.])(?:[a-z0-9](?:[\s,-]|\. |, )){2,}[a-z0-9](?![\w'’]|\.\d)")  # noqa: RUF001
_AND = re.compile(r"\d+(?:[aeiouy]\d+)+")
"""Numbers that are joined by a word of one letter: `8 e 15`."""
_THERE_IS = re.compile(r"\b(?:il )?(?:n'?\s?)?y a\b")
_MIXED = re.compile(r"(?<![\w$£€.,:])(?=[a-z-]*\d)(?=[\d-]*[a-z])[a-z\d]+(?:-[a-z\d]+)*(?![\w%:.])")
_NOT_CODES = re.compile(r"\d+h\d*|\d+(?:st|nd|rd|th|am|pm|h|er|s|º|ª|km|kg|m|cm|mi|min|bn|k|f|c|x)\b|\d+-\w+$")


def find_codes(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find telephone numbers and booking codes, and strike them out. Readings are lower case, without separators."""
    as_signs(page, language)
    yield from _telephones(page)
    at = 0
    while (match := _LETTERS.search(page.text, at)) is not None:
        signs = re.sub(r"[\W_]", "", match[0])
        at = match.end()
        if (
            len(signs) >= _MIN_CODE
            and signs != "iii"
            and not (_AND.fullmatch(signs) and base_language(language) != "en")
        ):
            yield Fact(Kind.CODE, page.strike(*match.span()), frozenset({signs}))
    at = 0
    while (match := _MIXED.search(page.text, at)) is not None:
        at = match.end()
        if not (_NOT_CODES.fullmatch(match[0]) or all(map(_NOT_CODES.fullmatch, match[0].split("-")))):
            yield Fact(Kind.CODE, page.strike(*match.span()), frozenset({re.sub(r"\W", "", match[0])}))


def as_signs(page: Page, language: str) -> None:
    """Write signs that are told in words as signs: `double 7`, `oh`, `b as in bravo`."""
    page.put(_DOUBLED, lambda m: " ".join([m["sign"]] * (2 if m["times"] == "double" else 3)))
    page.put(_OH, "0")
    page.put(_AS_IN, r"\1")
    page.put(_ALPHABET, lambda found: " ".join(word[0] for word in re.split(r"[ ,]+", found[0])))
    if base_language(language) == "fr":
        page.put(_THERE_IS, lambda found: "|" * len(found[0]))


def _telephones(page: Page) -> Iterator[Fact]:
    at = 0
    while (match := _TELEPHONE.search(page.text, at)) is not None:
        at = match.end()
        if _RANGE.fullmatch(match[0]) and _COUNTED.match(page.text, at):
            continue
        for start, last, end in _numbers_of(match):
            digits, alone = (re.sub(r"\D", "", page.text[at:end]) for at in (start, last))
            if len(digits) >= _MIN_TELEPHONE:
                readings = frozenset({digits, digits[-_MIN_TELEPHONE - 2 :], alone, alone[-_MIN_TELEPHONE - 2 :]})
                yield Fact(Kind.CODE, page.strike(start, end), readings)


def _numbers_of(run: re.Match[str]) -> list[tuple[int, int, int]]:
    """The telephone numbers in a run of digits: start, start of the last part, and end of each.

    A number ends with the part that makes it long enough. Short parts before it may belong to it, as a country code does.
    Short parts after the last number are not part of any.
    """
    found: list[tuple[int, int, int]] = []
    parts: list[tuple[int, int]] = []
    for part in _PART.finditer(run[0]):
        parts.append((part.start() + run.start(), part.end() + run.start()))
        if _digits(part[0]) >= _MIN_TELEPHONE:
            found.append((parts[0][0], *parts[-1]))
            parts = []
    if parts and not found and not _is_list(run[0]):
        found.append((parts[0][0], parts[0][0], parts[-1][1]))
    return found


def _is_list(run: str) -> bool:
    """Whether the parts of a run are separate numbers: `1,200, 950`, `7.15, 8.15`, `1450. 300`."""
    pauses = len(_SENTENCES.findall(run))
    return bool(
        _THOUSANDS.fullmatch(run)
        or (_SPACED.search(run) and (_TIGHT.search(run) or _DECIMALS.search(run)))
        or 0 < pauses < _PARTS_SAID - 1
    )


def _digits(text: str) -> int:
    return sum(sign.isdigit() for sign in text)
