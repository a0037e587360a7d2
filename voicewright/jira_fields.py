"""Fields of an issue that a project in the outside tracker requires, beside those that Voicewright fills."""

import json
from typing import Any

_EXAMPLE = '{"customfield_10010": {"value": "Voice"}}'
_OURS = {"project", "issuetype", "summary", "description"}


def read_fields(text: str) -> dict[str, Any]:
    """The fields by their ids, from a JSON object; none where there is no text.

    Raises:
        ValueError: the text is no such object, or names a field that Voicewright fills.
    """
    try:
        fields = json.loads(text or "{}")
    except ValueError as error:
        msg = f"must be a JSON object such as {_EXAMPLE}: {error}"
        raise ValueError(msg) from None
    if not isinstance(fields, dict):
        msg = f"must be a JSON object such as {_EXAMPLE}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic wants this kind
    if taken := sorted(fields.keys() & _OURS):
        msg = f"{', '.join(taken)}: set by Voicewright itself"
        raise ValueError(msg)
    labels = fields.get("labels", [])
    if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
        msg = "labels: must be a list of words"
        raise ValueError(msg)
    return fields
