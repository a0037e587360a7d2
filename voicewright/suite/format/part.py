"""What every part of the suite format is made of: strict models, texts, identifiers, languages."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from voicewright.languages import is_known
from voicewright.pattern import compile_pattern
from voicewright.result_path import compile_path

MAX_TEXT = 2_000


class Part(BaseModel):
    """Strict, closed and frozen: a suite says what it means, and a misspelt key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _known_language(tag: str) -> str:
    if not is_known(tag):
        msg = f"unknown language {tag!r}: use a code such as en, de, fr, es, pt-BR or zh"
        raise ValueError(msg)
    return tag


def _readable_pattern(pattern: str) -> str:
    compile_pattern(pattern)
    return pattern


def _readable_path(path: str) -> str:
    compile_path(path)
    return path


Language = Annotated[str, BeforeValidator(lambda v: _known_language(v) if isinstance(v, str) else v)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")]
LocalText = Text | dict[Language, Text]
LocalTexts = list[Text] | dict[Language, list[Text]]
Pattern = Annotated[Text, BeforeValidator(lambda v: _readable_pattern(v) if isinstance(v, str) else v)]
LocalPatterns = list[Pattern] | dict[Language, list[Pattern]]
Identifier = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Letters, digits, `.`, `_` and `-`; starts with a letter or a digit.",
    ),
]
JsonPath = Annotated[Text, Field(pattern=r"^\$"), AfterValidator(_readable_path)]
"""Where in a structured result: `$.NativeData.Time`; RFC 9535."""
Keys = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[0-9A-D*#]+$")]
"""Keys of a telephone's keypad."""

T = TypeVar("T", str, list[str])


def in_language(value: T | dict[str, T] | None, language: str) -> T | None:
    """The variant for `language`: exact tag first, then its base language."""
    if not isinstance(value, dict):
        return value
    return value.get(language) or value.get(language.split("-", 1)[0])


class Range(Part):
    """Bounds of a measurement; either may be left out."""

    min: Annotated[float, Field(strict=False)] | None = None
    max: Annotated[float, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Range":
        if self.min is None and self.max is None:
            msg = "give min, max or both"
            raise ValueError(msg)
        if self.min is not None and self.max is not None and self.min > self.max:
            msg = f"min ({self.min:g}) must not be above max ({self.max:g})"
            raise ValueError(msg)
        return self

    def holds(self, value: float) -> bool:
        """Whether a measured value lies within."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        low = f"at least {self.min:g}" if self.min is not None else ""
        high = f"at most {self.max:g}" if self.max is not None else ""
        return " and ".join(part for part in (low, high) if part)
