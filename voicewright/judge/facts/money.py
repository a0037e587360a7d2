"""Sums of money: `$20`, `USD 20`, `twenty dollars`, `two pounds fifty`, `75 cents`, `-$20`."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import CONTEXT, Fact, Kind, Page
from voicewright.judge.facts.figures import VALUE, figures, number_of
from voicewright.languages import base_language

_SPLIT = re.compile(r"\d*00\.[1-9]")
_NATIONS = {"canadian": "CA$", "australian": "AU$", "new zealand": "NZ$", "singapore": "SG$", "hong kong": "HK$"}
_CURRENCIES = {
    "$": r"\$|us\$|(?:u\.?\s?s\.?\s|american\s)?dollars?|bucks?|usd|dólar(?:es)?|dólares|dollari|dollaro|डॉलर|ドル|美元|달러",
    "£": r"£|(?:british\s)?pounds?(?: sterling)?|quid|gbp|libras?|livres?(?: sterling)?|sterline|पाउंड|ポンド|英镑|파운드",
    "€": r"€|euros?|eur|यूरो|ユーロ|欧元|유로",
    "¥": r"¥|yen|jpy|円|日元|엔",
    "元": r"元|块钱|块|yuan|rmb|cny|युआन|위안",
    "₹": r"₹|rupees?|inr|rupias?|रुपये|रुपए|रूपये|रुपया",
    "R$": r"r\$|brl|reais|real\b",
    "CHF": r"(?:swiss )?francs?|chf|franken|franchi",
    **{sign: rf"{nation} dollars?" for nation, sign in _NATIONS.items()},
}
_CODES = {"usd": "$", "gbp": "£", "eur": "€", "jpy": "¥", "cny": "元", "rmb": "元", "inr": "₹", "brl": "R$", "chf": "CHF", "cad": "CA$", "aud": "AU$"}  # fmt: skip
_MINUS = r"(?P<minus>(?<![\w.,|)])-\s?)?"
_SIGN_FIRST = re.compile(
    rf"{_MINUS}(?:(?P<sign>r\$|us\$|[$£€¥₹])|\b(?P<code>{'|'.join(_CODES)}))\s?(?P<inner>-)?(?P<value>{VALUE})"
)
_CENTS = (
    r"(?:,?\s(?:and\s|con\s|e\s|et\s|und\s|y\s)?(?P<cents>\d{1,2})(?P<part>\s(?:cents?|pence|penny|p|céntimos|centavos|centimes|"
    r"centesimi|cêntimos)\b)?(?![\d\w:%]|\.\d|-\d)(?P<ends>(?=\s*(?:$|[.,;!?])))?)?"
)
_WORD_AFTER = {
    sign: re.compile(
        rf"{_MINUS}(?P<value>{VALUE})\s?(?:de |di |d')?(?:{words})(?!\w){_CENTS}"
        if sign not in "¥元"
        else rf"{_MINUS}(?P<value>{VALUE})\s?(?:{words})"
    )
    for sign, words in _CURRENCIES.items()
}
_PARTS: dict[str, tuple[str, ...]] = {
    r"(?:¢|cents?\b|ct\b)": ("$", "€"),
    r"(?:pence|penny|pennies|(?<=\d)p)\b": ("£",),
    r"(?:céntimos?\b|centimes?\b|centesim[io]\b|100º|cêntimos?\b)": ("€",),
    r"centavos?\b": ("R$", "$"),
    r"(?:paise|पैसे)": ("₹",),
}
_HUNDREDTHS = {re.compile(rf"{_MINUS}(?P<value>{VALUE})\s?(?:{words})"): signs for words, signs in _PARTS.items()}
_JIAO = re.compile(r"(?P<value>[一二两三四五六七八九\d])[毛角](?:钱)?")
_EAST_ONES = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
_ONE = re.compile(
    r"(?<!\d )\b(?:an?|1) (?=(?:us |american )?(?:dollars?|bucks?|pounds?|quid|euros?|cent|penny|yen|rupee)\b)"
)
_FIRST_OF_TWO = re.compile(
    rf"(?P<pair>(?:between|from|entre|de|da|du|tra|fra|von|zwischen)\s)?(?<![\w.,:$£€/-])(?P<value>{VALUE})\s?"
    r"(?P<link>to|or|-|bis|oder|and|a|à|e|y|et|und|o|ou)\s?$"
)
_PLAIN_LINKS = frozenset({"to", "or", "-", "bis", "oder"})
_SIGNS = {"us$": "$", "r$": "R$"}
_UNSPACED = frozenset({"zh", "ja", "ko"})


def find_money(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find sums of money and strike them out."""
    if base_language(language) == "en":
        page.put(_ONE, "1 ")
    yield from _signed_first(page, language)
    for sign, pattern in _WORD_AFTER.items():
        while (match := pattern.search(page.text)) is not None:
            yield _amount(page, match, sign)
            yield from _first_of_two(page, match.start(), sign, language)
    for pattern, signs in _HUNDREDTHS.items():
        while (match := pattern.search(page.text)) is not None:
            value = number_of(match["value"]) / 100 * (-1 if match["minus"] else 1)
            yield Fact(Kind.AMOUNT, page.strike(*match.span()), frozenset(f"{sign}{figures(value)}" for sign in signs))
    while base_language(language) == "zh" and (match := _JIAO.search(page.text)) is not None:
        value = int(_EAST_ONES.get(match["value"], match["value"])) / 10
        yield Fact(Kind.AMOUNT, page.strike(*match.span()), frozenset({f"元{figures(value)}"}))


def _signed_first(page: Page, language: str) -> Iterator[Fact]:
    while (match := _SIGN_FIRST.search(page.text)) is not None:
        sign = _CODES[match["code"]] if match["code"] else _SIGNS.get(match["sign"], match["sign"])
        yield _amount(page, match, sign)
        yield from _first_of_two(page, match.start(), sign, language)


def _amount(page: Page, match: re.Match[str], sign: str) -> Fact:
    parts = match.groupdict()
    minus = -1 if parts["minus"] or parts.get("inner") else 1
    value, cents = number_of(match["value"]) * minus, parts.get("cents")
    readings = {f"{sign}{figures(value)}"}
    if _SPLIT.fullmatch(match["value"]):  # prices have no single decimal: so a recogniser writes 100 4
        readings.add(f"{sign}{figures(value // 1 + round(value % 1 * 10))}")
    if cents:
        whole = {f"{sign}{figures(round(value + minus * int(cents) / 100, 2))}"}
        readings = whole if parts["part"] or parts["ends"] is not None else whole | readings
    return Fact(Kind.AMOUNT, page.strike(*match.span()), frozenset(readings))


def _first_of_two(page: Page, start: int, sign: str, language: str) -> Iterator[Fact]:
    """The first sum of a range, which shares the currency of the second: `between 20 and 30 dollars`."""
    if base_language(language) in _UNSPACED:
        return
    match = _FIRST_OF_TWO.search(page.text, max(0, start - CONTEXT), start)
    if match is not None and (match["pair"] or match["link"] in _PLAIN_LINKS):
        said = page.strike(*match.span("value"))
        yield Fact(Kind.AMOUNT, said, frozenset({f"{sign}{figures(number_of(match['value']))}"}))
