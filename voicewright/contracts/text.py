"""Text that comes from outside: made harmless and given a size, in one place.

`clean` replaces what no encoder, XML document or terminal takes. The types cut what is too long and say so: a field of
a contract must not refuse a message that a person or a vendor already sent, and must not grow without a limit either.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

MAX_NAME = 200
MAX_SENTENCE = 2_000
MAX_PASSAGE = 20_000
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr((plane << 16) + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def clean(text: str) -> str:
    """Replace control characters, lone surrogates and code points that are no characters by U+FFFD.

    Tabs, line feeds and carriage returns stay.
    """
    return _UNFIT.sub("\ufffd", text)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; where something is left out, the end says how much.

    Args:
        text: any text.
        limit: the most characters of the result, the mark included; at least 40.
    """
    if len(text) <= limit:
        return text
    left_out = f" [... {len(text) - limit:,} more characters]"
    return text[: limit - len(left_out)] + left_out


def _cleaned(given: object) -> object:
    return clean(given) if isinstance(given, str) else given


class FreeText:
    """Marks a field that may hold what somebody said or wrote: erased with the case that it belongs to."""


FREE_TEXT = FreeText()
_Clean = BeforeValidator(_cleaned)
Name = Annotated[str, _Clean, AfterValidator(lambda text: cut(text, MAX_NAME))]
"""A name, an id, a word: at most 200 characters."""
Sentence = Annotated[str, _Clean, AfterValidator(lambda text: cut(text, MAX_SENTENCE)), FREE_TEXT]
"""A reason, a message: at most 2,000 characters."""
Passage = Annotated[str, _Clean, AfterValidator(lambda text: cut(text, MAX_PASSAGE)), FREE_TEXT]
"""What an agent said in one turn, what somebody wrote: at most 20,000 characters."""
