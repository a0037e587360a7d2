"""Reading a run request that a person may have typed by hand."""

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from voicewright.run import RunRequest

_EXAMPLE = '{"suite": "clinic"}'


def read_run_request(given: Any) -> RunRequest:  # noqa: ANN401 - a person may type anything
    """Turn what was typed into a request.

    Raises:
        ValueError: it is none; the message is one sentence per mistake, for the person who typed it.
    """
    if isinstance(given, str):
        message = f"the input is the text {given!r}: type an object such as {_EXAMPLE}"
        raise ValueError(message)  # noqa: TRY004 - one kind of error for one kind of mistake
    if not isinstance(given, dict) or not given:
        message = f"a run needs an input such as {_EXAMPLE}"
        raise ValueError(message)
    try:
        return RunRequest.model_validate(given)
    except ValidationError as error:
        raise ValueError("; ".join(_sentence(detail) for detail in error.errors(include_url=False))) from None


def _sentence(detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = [name for name in RunRequest.model_fields if name != "resume"]
        guess = get_close_matches(where, known, 1)
        hint = f"did you mean `{guess[0]}`?" if guess else f"known: {', '.join(known)}"
        return f"unknown field `{where}`: {hint}"
    if detail["type"] == "missing":
        return f"`{where}` is missing: type an object such as {_EXAMPLE}"
    return f"`{where}`: {detail['msg']}, not {detail['input']!r}"
