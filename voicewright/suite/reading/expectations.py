"""Expectations that nobody can read, or that nothing can meet: mistakes of the suite."""

from collections.abc import Iterator
from typing import Any

from voicewright.languages import base_language
from voicewright.suite.reading.readable import unreadable, unspeakable
from voicewright.suite.reading.yaml_source import Problem, Source

_KINDS = ("times", "dates", "amounts", "numbers", "names")
_PHRASES = ("contains", "absent")
Path = tuple[str | int, ...]


def unmeetable(source: Source, path: Path, turn: dict[str, Any], languages: list[str]) -> Iterator[Problem]:
    """The mistakes of one turn, whose raw values stand at `path`; `languages` are those of its case."""
    yield from _texts(source, (*path, "say"), turn.get("say"), "nothing can be spoken of {text!r}")
    for part in ("expect", "wait_for"):
        for key in _PHRASES:
            yield from _texts(
                source, (*path, part, key), _part(turn, part).get(key), "nobody can hear {text!r}: give words"
            )
    entities = _part(_part(turn, "expect"), "entities")
    english = all(base_language(tag) == "en" for tag in languages)
    for kind in _KINDS:
        values = entities.get(kind)
        for index, value in enumerate(values if isinstance(values, list) else ()):
            if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
                continue
            if why := unreadable(kind, value, english=english):
                yield Problem(*source.value_at((*path, "expect", "entities", kind, index)), why)


def _part(node: dict[str, Any], key: str) -> dict[str, Any]:
    inside = node.get(key)
    return inside if isinstance(inside, dict) else {}


def _texts(source: Source, path: Path, value: Any, why: str) -> Iterator[Problem]:  # noqa: ANN401 - YAML holds anything
    """Texts without a word in a value that is a text, a list of texts, or one of these for each language."""
    if isinstance(value, str) and value.strip() and unspeakable(value):
        yield Problem(*source.value_at(path), why.format(text=value))
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _texts(source, (*path, key), one, why)
