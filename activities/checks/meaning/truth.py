"""Labelled pairs: reading them, and splitting them so that nothing is measured on what it was fitted on.

A line is `{"expected", "actual", "label"?, "lang"?, "question"?, "rules"?, "group"?, "condition"?, "source"?}`. Splits
are by group, never by line: lines of one dialogue, or answers to one question, stay together.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.checks.meaning.pair import Condition, Pair
from activities.errors import BadInputError
from voicewright.languages import is_known
from voicewright.suite import Entities, Expectation

_UTF8 = "utf-8-sig"
"""With or without the mark that Windows puts first."""


class Rules(BaseModel):
    """Hard checks beside the meaning, as in a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: list[str] = []
    absent: list[str] = []
    matches: list[str] = []
    entities: Entities = Entities()

    def expectation(self) -> Expectation:
        """The same as an expectation of a suite."""
        return Expectation(contains=self.contains, absent=self.absent, matches=self.matches, entities=self.entities)


class Labelled(BaseModel):
    """One line. Unknown fields are kept out of the way."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    expected: str = Field(min_length=1)
    actual: str
    label: Literal["pass", "fail"] | None = None
    lang: str = "en"
    expected_lang: str | None = None
    question: str | None = None
    rules: Rules | None = None
    group: str = ""
    source: str = ""
    service: str = ""
    condition: Condition | None = None
    number: int = 0
    confidence: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    row: int | None = None
    """The line of the written set that a spoken one was made from, from 0."""

    @property
    def passed(self) -> bool:
        """The label."""
        return self.label == "pass"

    def pair(self, condition: Condition) -> Pair:
        """What the judge reads; `condition` holds where the line names none."""
        return Pair(
            self.expected,
            self.actual,
            self.question or "",
            self.lang,
            self.condition or condition,
            self.expected_lang,
            self.confidence,
        )


def read_lines(path: Path) -> Iterator[Labelled]:
    """Lines of a `.jsonl` or `.jsonl.gz` file.

    Raises:
        BadInputError: a line cannot be read; names it and says what is wrong.
    """
    try:
        with gzip.open(path, "rt", encoding=_UTF8) if path.suffix == ".gz" else path.open(encoding=_UTF8) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _line(path, number, line)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read {path}: {error}") from None


def _line(path: Path, number: int, line: str) -> Labelled:
    try:
        read = Labelled.model_validate_json(line)
        if read.rules is not None:
            read.rules.expectation()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise BadInputError(
            f'{path}, line {number}: {where}: {first["msg"]}; a line is {{"expected": "...", "actual": "...", '
            '"label": "pass" or "fail", "lang": "en"}'
        ) from None
    for tag in (read.lang, read.expected_lang):
        if tag is not None and not is_known(tag):
            raise BadInputError(f"{path}, line {number}: unknown language {tag!r}: use a code such as en, de or zh")
    said = len(read.actual.split())
    if read.confidence and len(read.confidence) != said:
        raise BadInputError(f"{path}, line {number}: {len(read.confidence)} confidences for {said} words of `actual`")
    return read.model_copy(update={"number": number})


def part_of(group: str, parts: int, salt: str = "") -> int:
    """Which of `parts` a group falls into; the same on every machine."""
    return int(hashlib.sha256((salt + group).encode()).hexdigest(), 16) % parts
