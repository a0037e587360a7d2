"""English as it is read aloud: espeak-ng, which Piper and Kokoro read by, says `$105` as "dollar one hundred five".

Sums of money, telephone numbers and a few signs are put into the words that a person says; all else is left to the
engine.
"""

import re

_MONEY = re.compile(
    r"(?P<sign>[$£€])\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<cents>\d{2}))?(?![\d,.]*\d)(?!\s?(?:[kKmM]\b|thousand|million|billion|trillion))"
)
_NAMES = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_MANY = {"cent": "cents", "penny": "pence"}
_TELEPHONE = re.compile(r"(?<![\w.,:/-])\+?\(?\d{2,4}\)?(?:[ -]\d{3,4}){2,3}(?![\w-])")
_SIGNS = (
    (re.compile(r"#\s?(?=\d)"), "number "),
    (re.compile(r"\b[Vv]s\b\.?"), "versus"),
    (re.compile(r"\s&\s"), " and "),
)


def aloud(text: str) -> str:
    """English text with sums, telephone numbers and signs as words: `$2.50` is `2 dollars 50 cents`."""
    said = _TELEPHONE.sub(lambda found: _digits(found[0]), _MONEY.sub(_money, text))
    for sign, words in _SIGNS:
        said = sign.sub(words, said)
    return said


def _money(found: re.Match[str]) -> str:
    unit, part = _NAMES[found["sign"]]
    whole, cents = found["whole"].replace(",", ""), int(found["cents"] or 0)
    said = f"{whole} {unit}{'' if whole == '1' else 's'}"
    return f"{said} {cents} {part if cents == 1 else _MANY[part]}" if cents else said


def _digits(number: str) -> str:
    """Digit by digit, with a pause between groups."""
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", number))
