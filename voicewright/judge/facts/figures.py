"""How numbers are written: grouped by thousands, with a decimal point or a decimal comma."""

import re

from voicewright.languages import base_language

VALUE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"

_DECIMAL_COMMA = {"de", "es", "fr", "it", "pt", "nl"}

_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")

_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[. ]\d{3})+(?![\dº])")


def decimal_points(text: str, language: str) -> str:
    """Write numbers with a decimal point: `1250.50` for `1.250,50`, in languages with a decimal comma."""
    if base_language(language) not in _DECIMAL_COMMA:
        return text
    return _COMMA.sub(".", _THOUSANDS.sub(lambda number: re.sub("[. ]", "", number[0]), text))


def number_of(text: str) -> float:
    """The number that a match of `VALUE` stands for; commas group thousands."""
    return float(text.replace(",", "").rstrip(".") or 0)


def figures(value: float) -> str:
    """A number in one spelling: `2500000`, `0.5`, `-5`."""
    return f"{value:.15g}"
