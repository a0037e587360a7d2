"""Whether a text states a plain number or a code."""

import re
from collections.abc import Sequence

from voicewright.judge.facts.codes import as_signs
from voicewright.judge.facts.fact import Fact, Kind, Match, Page
from voicewright.judge.facts.figures import decimal_points, figures
from voicewright.judge.facts.find import read_page
from voicewright.judge.text.words import digits

_CODE_DIGITS = 3
_TELEPHONE_DIGITS = 7
_COUNTRY_DIGITS = 3
_EXACT = 10**15
"""From here on floats no longer hold every figure."""
_SPELT_FROM = 100
_RUN = re.compile(r"\+?\d(?:[\d\s().,/-]*\d)?")
_PIECES = re.compile(r"[.,]\s+|\s*[;/]\s+")
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
_STRAY = frozenset({Kind.TIME, Kind.DATE})
"""Their figures are parts of something else."""
_ALIKE = ("bcdegptvz", "mn", "fs", "ajk", "iy", "uq", "lr")
"""Letters whose English names sound alike on the telephone."""
_SPELT = r"(?!\s?-?\s?\d\b)(?!\s[b-hj-z]\b)(?![a-z0-9])"


def match_number(expected: float | str, text: str, language: str) -> Match:
    """Match a plain number, or a code: text with letters in it, or with three digits or more. All signs of a code count.

    A code may be said sign by sign, and a telephone number without the code of its country.
    """
    if isinstance(expected, int) and abs(expected) >= _EXACT:
        expected = str(expected)
    if isinstance(expected, str):
        signs = re.sub(r"[^a-z0-9]", "", digits(expected, language))
        if any(map(str.isdigit, signs)) and any(map(str.isalpha, signs)) and _is_code(expected):
            return _letters(signs, text, language)
        plain = re.sub(r"\D", "", digits(expected, language))
        if len(plain) >= _CODE_DIGITS and re.fullmatch(r"[\d\s+().,/-]+", digits(expected, language).strip()):
            return _figures(plain, expected, text, language)
    wanted = read_page(str(expected), language).facts if isinstance(expected, str) else (_number(expected),)
    values = {figure for fact in wanted for figure in _values(fact)}
    facts = read_page(text, language).facts
    found = bool(
        values
        & {figure for fact in facts if fact.kind not in _STRAY or fact.form == "year" for figure in _values(fact)}
    )
    stray = bool(values & {figure for fact in facts if fact.kind in _STRAY for figure in _parts(fact)})
    by_sign = (
        isinstance(expected, int) and expected >= _SPELT_FROM and _is_told(str(expected), _runs(_page(text, language)))
    )
    heard = [fact for fact in facts if fact.kind not in _STRAY]
    shown = tuple(sorted({figure for fact in heard for figure in _values(fact)}))
    return Match(
        found, shown, unsure=not values or (not found and (stray or by_sign)), wanted=tuple(wanted), facts=tuple(heard)
    )


def _number(value: float) -> Fact:
    return Fact(Kind.NUMBER, figures(value), frozenset({figures(value)}))


def _is_code(expected: str) -> bool:
    """Whether letters are part of a code, and not words beside a number: `AB-12`, `AB 12`, not `12 pills`."""
    return all(len(piece) == 1 or any(map(str.isdigit, piece)) or piece.isupper() for piece in expected.split())


def _values(fact: Fact) -> set[str]:
    """The numbers that a fact states, in one spelling."""
    found: set[str] = set()
    for reading in fact.readings:
        if fact.kind is Kind.DURATION:
            found.add(reading.split()[0])
        elif fact.kind is Kind.CODE:
            found |= {reading.lstrip("0") or "0"} if reading.isdigit() else set()
        else:
            found |= {figures(float(number)) for number in _FIGURE.findall(reading)[:1]}
    if fact.kind is Kind.DURATION:
        found |= {
            figures(float(number))
            for number in _FIGURE.findall(fact.said.replace(",", ""))[:1]
            if fact.said[:1].isdigit()
        } & found
    return found


def _parts(fact: Fact) -> set[str]:
    return {figures(float(number)) for number in re.findall(r"\d+", fact.said)}


def _page(text: str, language: str) -> str:
    page = Page(decimal_points(digits(text, language), language))
    as_signs(page, language)
    return page.text


def _letters(signs: str, text: str, language: str) -> Match:
    """A code with letters: its signs in a row, and no more."""
    said = _page(text, language)
    between = r"[\s.,-]*"
    found = re.search(rf"(?<![a-z0-9])(?<!\d[ -]){between.join(signs)}{_SPELT}", said) is not None
    codes = [reading for fact in read_page(text, language).facts if fact.kind is Kind.CODE for reading in fact.readings]
    alike = any(len(code) == len(signs) and all(map(_sounds_alike, code, signs)) for code in codes)
    spelt = any(any(map(str.isalpha, code)) for code in codes)
    figures_of = re.sub(r"\D", "", signs)
    unspelt = not spelt and any(piece == figures_of for run in _runs(said) for piece in (*run, "".join(run)))
    return Match(found, tuple(codes), unsure=not found and (alike or unspelt))


def _sounds_alike(sign: str, other: str) -> bool:
    return sign == other or any(sign in group and other in group for group in _ALIKE)


def _figures(code: str, expected: str, text: str, language: str) -> Match:
    """A number of which every digit counts."""
    runs = _runs(_page(text, language))
    found = _is_told(code, runs, international="+" in expected)
    if not found and not code.startswith("0") and "+" not in expected and len(code) < _TELEPHONE_DIGITS:
        return match_number(float(code), text, language)
    return Match(found, tuple("".join(run) for run in runs), wanted=(_number(float(code)),))


def _is_told(code: str, runs: Sequence[Sequence[str]], *, international: bool = False) -> bool:
    return any(_same_code(code, said, international=international) for run in runs for said in _spans(run))


def _runs(said: str) -> list[list[str]]:
    """Runs of digits, each in the pieces between which a speaker pauses."""
    return [[re.sub(r"\D", "", piece) for piece in _PIECES.split(run)] for run in _RUN.findall(said)]


def _spans(run: Sequence[str]) -> set[str]:
    """What may be one number among the pieces of a run; digits that are told one by one stay together."""
    found = {"".join(run)}
    for start in range(len(run)):
        for end in range(start + 1, len(run) + 1):
            beside = [*run[max(0, start - 1) : start], *run[end : end + 1]]
            if all(len(piece) > 1 for piece in beside) or all(len(piece) > 1 for piece in run[start:end]):
                found.add("".join(run[start:end]))
    return found


def _same_code(code: str, said: str, *, international: bool) -> bool:
    if said == code or (len(code) >= _TELEPHONE_DIGITS and said.endswith(code)):
        return True  # a country code or an area code may stand before it
    national = said.removeprefix("0")
    short = len(code) - len(national)
    return (
        international
        and len(national) >= _TELEPHONE_DIGITS
        and code.endswith(national)
        and 0 < short <= _COUNTRY_DIGITS
    )
