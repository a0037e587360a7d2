"""Corrects how English recognisers misspell numbers that they heard right."""

import re

_PRICED_TIME = re.compile(r"\$(?=(?:1[0-2]|[1-9])[.:][0-5]\d ?[ap]m\b(?! i\b))")
_PRICED_NUMBER = re.compile(r"\$([2-9])\.(00)(?=\d-?\d\d-?\d{4}\b)")
_TWICE_PRICED = re.compile(r"\$(\d*00) \$([1-9])(?!\d|[.,:]\d|,? (?:and|or|off)\b)")
_PRICED_HOUSE = re.compile(
    r"(?:(?<=\bat )|(?<=\bon )|(?<=\baddress is ))\$(?=(?:\d{1,5}|\d{1,2},\d{3}) "
    r"(?:(?!(?:a|an|and|at|by|deposit|each|fee|for|if|in|is|monthly|near|no|of|off|on|one|or|per|rent|the|to|with) )"
    r"[a-z'-]+ ){1,3}(?:street|road|avenue|boulevard|lane|parkway|highway)\b)"
)
"""Only in an address, and only before unambiguous street names: `$10 either way` is a price."""


def as_said(text: str) -> str:
    """Correct English text that is in lower case, with digits for number words.

    `$7.45pm` is a time; `$8.00708-2538` is the telephone number 800 708 2538; `$100 $4` is $104; `at $1,546 Maurice
    Lane` is an address.
    """
    text = _PRICED_HOUSE.sub("", _PRICED_NUMBER.sub(r"\1\2", _PRICED_TIME.sub("", text)))
    return _TWICE_PRICED.sub(lambda match: f"${int(match[1]) + int(match[2])}", text)
