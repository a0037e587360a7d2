"""How long a service asks us to stay away."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 3600.0
"""Whatever a service names, it is asked again after an hour."""


def retry_after_s(headers: Mapping[str, object]) -> float | None:
    """`Retry-After` of an answer in s, 0 to `MAX_RETRY_AFTER_S`; None where the service names no time.

    Both forms of RFC 9110, section 10.2.3: seconds, with or without a fraction, and a date. Names of headers are
    compared without case; a value may be a list, as some SDKs have it.
    """
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    wait_s = _seconds(str(value).strip()) if value is not None else None
    return None if wait_s is None or math.isnan(wait_s) else min(max(0.0, wait_s), MAX_RETRY_AFTER_S)


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
