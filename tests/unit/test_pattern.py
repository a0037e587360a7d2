"""Patterns from suites run in linear time."""

import time

import pytest

from voicewright.pattern import compile_pattern


def test_a_pattern_that_would_take_forever_elsewhere_returns() -> None:
    began = time.process_time()
    assert compile_pattern("(a+)+$")("a" * 200_000 + "b") is None
    assert time.process_time() - began < 20  # a backtracking engine would need longer than the universe has


def test_case_does_not_matter_and_the_place_is_told() -> None:
    assert compile_pattern("doctor (adams|brown)")("With Doctor Adams.") == (5, 17)


@pytest.mark.parametrize("pattern", ["(a", r"(?=x)", r"\1", "a{1000}{1000}"])
def test_what_re2_refuses_is_explained(pattern: str) -> None:
    with pytest.raises(ValueError, match="RE2 accepts"):
        compile_pattern(pattern)
