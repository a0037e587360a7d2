"""Why a call was ended, as the message that ended it says (RFC 3326)."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_VALUE = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*")+)')
_CAUSE = re.compile(r";\s*cause\s*=\s*\"?(\d{1,5})", re.IGNORECASE)
_TEXT = re.compile(r';\s*text\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+))', re.IGNORECASE)
_MOST, _LONGEST = 4, 100
_NO_ROUTE = {2, 3, 25, 27}
"""Of Q.850: no route, an error of routing, the destination out of order."""
_RESOURCES = 32
"""Causes from here on: no resources or services, wrong messages, interworking (Q.850, table 1)."""
_TIMEOUT, _GONE, _SERVER = 408, 481, range(500, 600)


class Reason(BaseModel):
    """One reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Annotated[str, Field(max_length=_LONGEST)]
    """`Q.850`, `SIP`, ..."""
    cause: int | None = None
    text: Annotated[str, Field(max_length=_LONGEST)] = ""

    @property
    def is_the_networks(self) -> bool:
        """Whether it tells of a line that failed, and not of somebody who ended the call."""
        if self.cause is None:
            return False
        if self.protocol.upper() == "Q.850":
            return self.cause >= _RESOURCES or self.cause in _NO_ROUTE
        return self.protocol.upper() == "SIP" and (self.cause in {_TIMEOUT, _GONE} or self.cause in _SERVER)

    def __str__(self) -> str:
        number = "" if self.cause is None else f" {self.cause}"
        return f"{self.protocol}{number}" + (f": {self.text}" if self.text else "")


def reasons_of(values: Sequence[str]) -> tuple[Reason, ...]:
    """From `Reason` headers; what is none is left out."""
    found = []
    for value in values:
        for part in _VALUE.findall(value):
            protocol = part.split(";", 1)[0].strip()
            if not re.fullmatch(r"[\w.!%*+`'~-]+", protocol):
                continue
            cause, text = _CAUSE.search(part), _TEXT.search(part)
            said = re.sub(r"\\(.)", r"\1", text[1]) if text is not None and text[1] is not None else ""
            said = said or (text[2] if text is not None and text[2] else "")
            found.append(
                Reason(
                    protocol=protocol[:_LONGEST],
                    cause=int(cause[1]) if cause is not None else None,
                    text="".join(sign for sign in said if sign.isprintable())[:_LONGEST],
                )
            )
    return tuple(found[:_MOST])
