"""Regular expressions that cannot run away: RE2 matches in linear time, whatever the pattern."""

from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Callable[[str], tuple[int, int] | None]:
    """A search function for `pattern`, case-insensitive: text to (start, end) of the first match or None.

    Raises:
        ValueError: RE2 does not accept the pattern; the message says why.
    """
    import re2  # noqa: PLC0415 - keeps the client SDK free of the CLI's extra

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = 1 << 22
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        msg = f"not a regular expression that RE2 accepts: {text}"
        raise ValueError(msg) from None

    def search(text: str) -> tuple[int, int] | None:
        match = compiled.search(text)
        return None if match is None else (match.start(), match.end())

    return search
