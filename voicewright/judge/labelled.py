"""Labelled pairs: reads them, and splits them so that nothing is measured on pairs that it was fitted on.

A line is `{"expected", "actual", "label"?, "lang"?, "question"?, "rules"?, "group"?, "condition"?, "source"?}`. Splits
are by group, never by line: the lines of one dialogue, or the answers to one question, stay together.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from voicewright.judge.errors import BadPairsError
from voicewright.judge.pair import Condition, Pair
from voicewright.languages import is_known
from voicewright.pattern import compile_pattern

_UTF8 = "utf-8-sig"
"""UTF-8 with or without the byte order mark that Windows writes."""


def _pattern(pattern: str) -> str:
    compile_pattern(pattern)
    return pattern


_Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class Entities(BaseModel):
    """Facts that the answer must state, as in a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: list[_Text] = []
    dates: list[_Text] = []
    amounts: list[_Text] = []
    numbers: list[int | float | _Text] = []
    names: list[_Text] = []


class Rules(BaseModel):
    """Hard checks beside the meaning, as in a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: list[_Text] = []
    absent: list[_Text] = []
    matches: list[Annotated[_Text, AfterValidator(_pattern)]] = []
    entities: Entities = Entities()


class LabelledPair(BaseModel):
    """One line of a file of pairs. Unknown fields are ignored."""

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
    today: date | None = None
    """The day of the call, on which `tomorrow` hangs. Rules take the day of the evaluation where it is not given."""
    row: int | None = None
    """For a pair that was spoken and recognised: the line of the written set that it was made from, counted from 0."""

    @property
    def passed(self) -> bool:
        """Whether the label is `pass`."""
        return self.label == "pass"

    @property
    def domain(self) -> str:
        """The domain of the service: `Restaurants` for `Restaurants_2`."""
        return self.service.split("_")[0]

    def pair(self, condition: Condition) -> Pair:
        """The pair as the judge reads it. `condition` is used if the line has none of its own."""
        return Pair(
            self.expected,
            self.actual,
            self.question or "",
            self.lang,
            self.condition or condition,
            self.expected_lang,
            self.confidence,
            self.today,
        )


def read_lines(path: Path) -> Iterator[LabelledPair]:
    """Yield the lines of a `.jsonl` or `.jsonl.gz` file.

    Raises:
        BadPairsError: the file or a line cannot be read; the message names the line and the fault.
    """
    try:
        with gzip.open(path, "rt", encoding=_UTF8) if path.suffix == ".gz" else path.open(encoding=_UTF8) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _line(path, number, line)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadPairsError(f"cannot read {path}: {error}") from None


def _line(path: Path, number: int, line: str) -> LabelledPair:
    try:
        read = LabelledPair.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise BadPairsError(
            f'{path}, line {number}: {where}: {first["msg"]}; a line is {{"expected": "...", "actual": "...", '
            '"label": "pass" or "fail", "lang": "en"}'
        ) from None
    for tag in (read.lang, read.expected_lang):
        if tag is not None and not is_known(tag):
            raise BadPairsError(f"{path}, line {number}: unknown language {tag!r}: use a code such as en, de or zh")
    said = len(read.actual.split())
    if read.confidence and len(read.confidence) != said:
        raise BadPairsError(f"{path}, line {number}: {len(read.confidence)} confidences for {said} words of `actual`")
    return read.model_copy(update={"number": number})


def part_of(group: str, parts: int, salt: str = "") -> int:
    """Which part, 0 to `parts` - 1, a group belongs to. It is a hash of `salt` and group: the same on every machine."""
    return int(hashlib.sha256((salt + group).encode()).hexdigest(), 16) % parts
