"""What English recognisers write for numbers that were said right; mended before words are counted or facts found."""

import re

_PRICED_TIME = re.compile(r"\$(?=(?:1[0-2]|[1-9])[.:][0-5]\d ?[ap]m\b(?! i\b))")
_PRICED_NUMBER = re.compile(r"\$([2-9])\.(00)(?=\d-?\d\d-?\d{4}\b)")
_TWICE_PRICED = re.compile(r"\$(\d*00) \$([1-9])(?!\d|[.,:]\d|,? (?:and|or|off)\b)")
_PRICED_HOUSE = re.compile(
    r"\$(?=(?:\d{1,5}|\d{1,2},\d{3}) "
    r"(?:(?!(?:a|an|and|at|by|each|for|in|is|of|off|on|one|or|per|the|to|with) )[a-z'-]+ ){1,4}"
    r"(?:street|road|avenue|boulevard|lane|drive|way|court|place|parkway|terrace|circle|square|highway)\b)"
)


def as_said(text: str) -> str:
    """English text in lower case, number words as digits, with what its writer must have heard.

    `$7.45pm` is a time; `$8.00708-2538` is eight hundred, seven zero eight; `$100 $4` is a hundred and four dollars;
    `$1,546 Maurice Lane` is an address.
    """
    text = _PRICED_HOUSE.sub("", _PRICED_NUMBER.sub(r"\1\2", _PRICED_TIME.sub("", text)))
    return _TWICE_PRICED.sub(lambda match: f"${int(match[1]) + int(match[2])}", text)
