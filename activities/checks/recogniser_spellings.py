"""What English recognisers write for numbers that were said right; mended before words are counted or facts found."""

import re

_PRICED_TIME = re.compile(r"\$(?=(?:1[0-2]|[1-9])[.:][0-5]\d ?[ap]m\b(?! i\b))")
_PRICED_NUMBER = re.compile(r"\$([2-9])\.(00)(?=\d-?\d\d-?\d{4}\b)")
_TWICE_PRICED = re.compile(r"\$(\d*00) \$([1-9])(?!\d|[.,:]\d|,? (?:and|or|off)\b)")


def as_said(text: str) -> str:
    """English text in lower case, number words as digits, with what its writer must have heard.

    `$7.45pm` is a time; `$8.00708-2538` is eight hundred, seven zero eight; `$100 $4` is a hundred and four dollars.
    """
    text = _PRICED_NUMBER.sub(r"\1\2", _PRICED_TIME.sub("", text))
    return _TWICE_PRICED.sub(lambda match: f"${int(match[1]) + int(match[2])}", text)
