"""What is wrong with something that was sent, in a line."""

from collections.abc import Sequence
from typing import Any

_ADDRESS = "must be an address, such as wss://agent.example.com/media, sip:agent@example.com, or +14155550100"
_SAID = {("agent_url", "string_pattern_mismatch"): _ADDRESS}
"""In place of a pattern that only we can read."""


def in_words(errors: Sequence[Any], *, skip: int = 0) -> str:
    """Pydantic's errors; `skip` leaves out so many first parts of each place, as `body`."""
    return "; ".join(_one([str(part) for part in error["loc"][skip:]], error) for error in errors)


def _one(place: list[str], error: Any) -> str:  # noqa: ANN401 - a dictionary of pydantic's
    said = _SAID.get((place[-1] if place else "", error["type"]), error["msg"])
    return f"{'.'.join(place) or 'the body'}: {said}"
