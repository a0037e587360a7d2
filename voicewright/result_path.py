"""JSONPaths into structured results: RFC 9535, whose patterns cannot run away.

The library's own `match` and `search` backtrack, for minutes where an agent's words invite it; here RE2 does both.
"""

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from voicewright.pattern import compile_pattern

if TYPE_CHECKING:
    from jsonpath import JSONPath

MAX_FOUND = 100
MAX_DESCENTS = 2
"""`..` within one path: each multiplies what must be looked at by the size of the result."""


@lru_cache(maxsize=1024)
def compile_path(path: str) -> "JSONPath":
    """A path.

    Raises:
        ValueError: it is none, or could take for ever; the message says why.
    """
    import jsonpath  # noqa: PLC0415 - keeps the client SDK free of the CLI's extra
    from jsonpath.function_extensions import ExpressionType, FilterFunction  # noqa: PLC0415

    class Matches(FilterFunction):
        """`match` and `search` by RE2."""

        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
        return_type = ExpressionType.LOGICAL

        def __init__(self, form: str) -> None:
            self._form = form

        def __call__(self, value: object, pattern: object) -> bool:
            if not isinstance(value, str) or not isinstance(pattern, str):
                return False
            try:
                return compile_pattern(self._form.format(pattern))(value) is not None
            except ValueError:
                return False  # as the RFC says of a pattern that is none

    class Environment(jsonpath.JSONPathEnvironment):
        """Functions of ours in place of the library's."""

        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            self.function_extensions["match"] = Matches(r"(?-i)^(?:{})$")
            self.function_extensions["search"] = Matches(r"(?-i)(?:{})")

    try:
        compiled = Environment(strict=True).compile(path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        msg = f"not a JSONPath of RFC 9535: {error.args[0] if error.args else error}"
        raise ValueError(msg) from None
    if path.count("..") > MAX_DESCENTS:
        msg = f"`..` stands more than {MAX_DESCENTS} times in it: name the members on the way"
        raise ValueError(msg)
    if not isinstance(compiled, jsonpath.JSONPath):
        msg = "one path, not several"
        raise ValueError(msg)  # noqa: TRY004 - a mistake in a suite
    return compiled


def find(path: str, result: Any) -> list[object]:  # noqa: ANN401 - any JSON
    """The values at a path, at most `MAX_FOUND`; none where the result has no such place, or is no object or list."""
    if not isinstance(result, dict | list):
        return []
    return [match.obj for match in islice(compile_path(path).finditer(result), MAX_FOUND)]
