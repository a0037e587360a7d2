"""Telephone numbers and codes, read out digit by digit, in groups, or letter by letter."""

import re
from collections.abc import Iterator

from activities.checks.facts.fact import Fact, Kind, Page

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
_DOUBLED = re.compile(r"\b(?P<times>double|triple|treble) (?P<sign>\w)\b")
_OH = re.compile(r"(?<=\d )(?:oh|o|zero)(?= \d)|(?<=\d )(?:oh|o|zero)\b|\b(?:oh|o|zero)(?= \d)")
_TELEPHONE = re.compile(
    r"(?<![a-z\d.$£€])(?<!\d:)\+?\(?\d(?:[\d\s()/-]|\.(?=\d)|,(?= ?\d)){5,}\d(?![a-z\d:元円块]|\.\d)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_LETTERS = re.compile(r"(?<![\w'’.])(?!a \d|y a \d)(?:[a-z0-9](?:[\s,-]|\. |, )){2,}[a-z0-9](?![\w'’]|\.\d)")  # noqa: RUF001
_MIXED = re.compile(r"(?<![\w$£€.,:])(?=[a-z-]*\d)(?=[\d-]*[a-z])[a-z\d]+(?:-[a-z\d]+)*(?![\w%:.])")
_NOT_CODES = re.compile(r"\d+h\d*|\d+(?:st|nd|rd|th|am|pm|h|er|s|º|ª|km|kg|m|cm|mi|min|bn|k|f|c)\b|\d+-\w+$")


def find_codes(page: Page) -> Iterator[Fact]:
    """Telephone numbers, booking codes; strikes them out. Letters come without case, signs without separators."""
    page.text = _DOUBLED.sub(lambda m: " ".join([m["sign"]] * (2 if m["times"] == "double" else 3)), page.text)
    page.text = _OH.sub("0", page.text)
    for word in _SPELT:
        page.text = re.sub(rf"\b([a-z]) (?:as in|for|like) {word}\b", r"\1", page.text)
    at = 0
    while (match := _TELEPHONE.search(page.text, at)) is not None:
        at = match.end()
        for start, end in _numbers_of(match):
            digits = re.sub(r"\D", "", page.text[start:end])
            if len(digits) >= _MIN_TELEPHONE and not _THOUSANDS.fullmatch(match[0]):
                yield Fact(Kind.CODE, page.strike(start, end), frozenset({digits, digits[-_MIN_TELEPHONE - 2 :]}))
    at = 0
    while (match := _LETTERS.search(page.text, at)) is not None:
        signs = re.sub(r"[\W_]", "", match[0])
        at = match.end()
        if len(signs) >= _MIN_CODE and signs != "iii":
            yield Fact(Kind.CODE, page.strike(*match.span()), frozenset({signs}))
    at = 0
    while (match := _MIXED.search(page.text, at)) is not None:
        at = match.end()
        if not _NOT_CODES.fullmatch(match[0]):
            yield Fact(Kind.CODE, page.strike(*match.span()), frozenset({re.sub(r"\W", "", match[0])}))


def _numbers_of(run: re.Match[str]) -> list[tuple[int, int]]:
    """Where the telephone numbers of a run are: a comma parts two whole ones, and else belongs to one."""
    parts = [(part.start() + run.start(), part.end() + run.start()) for part in re.finditer(r"[^,]+", run[0])]
    if all(sum(sign.isdigit() for sign in run.string[start:end]) >= _MIN_TELEPHONE for start, end in parts):
        return parts
    return [run.span()]
