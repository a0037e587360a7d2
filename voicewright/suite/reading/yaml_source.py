"""YAML that remembers where everything stood, and that cannot be used as a weapon.

`yaml_tree` reads the structure; what a plain word is, ruamel.yaml says (YAML 1.2: `9:30` is text and `no` is a word).
The position of each value is kept, so that a mistake found later can be shown at its line and column.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from voicewright.suite.reading.yaml_tree import MAX_DEPTH, MAX_NODES, Mapping, Node, Scalar, UnreadableError, compose
from voicewright.suite.reading.yaml_tree import Sequence as Listing

MAX_BYTES = 4_000_000

_CODE = re.compile(r"-?0\d+|\+\d{7,}")
"""Figures of which every one counts, as in 0142 and +14155550100: a whole number would lose the first."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """A mistake in a file. Lines and columns count from 1."""

    line: int
    column: int
    message: str

    def at(self, name: str) -> str:
        """As compilers print it."""
        return f"{name}:{self.line}:{self.column}: {self.message}"


@dataclass
class Source:
    """Plain values with the position of each key and value."""

    data: Any = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def value_at(self, path: Path) -> tuple[int, int]:
        """Position of a value, or of the nearest thing around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def key_at(self, path: Path) -> tuple[int, int]:
        """Position of a mapping's key."""
        return self.keys.get(path) or self.value_at(path)


def read_yaml(raw: bytes) -> Source:
    """Parse `raw` as one YAML document; mistakes are in `problems`, never raised."""
    source = Source()
    try:
        source.data = _Reader(source).read(compose(_text(raw)), ())
    except UnreadableError as error:
        source.problems.append(Problem(error.line, error.column, error.message))
    return source


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        limit = f"a suite has at most {MAX_BYTES // 1_000_000} MB"
        raise UnreadableError(1, 1, f"the file has {len(raw) / 1e6:.1f} MB; {limit}: split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"not UTF-8: byte 0x{raw[error.start]:02x}; save the file as UTF-8"
        raise UnreadableError(before.count(b"\n") + 1, column, message) from None


class _Reader:
    """Walks the tree once per appearance; aliases count each time, so a bomb runs into the bound."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes = 0
        words = YAML(typ="safe", pure=True)
        self._resolver, self._constructor = words.resolver, words.constructor
        self._known: dict[str, Any] = {}

    def read(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values once its aliases are expanded: write them out or split the file"
            raise UnreadableError(node.line, node.column, message)
        if len(path) > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep, or an alias that contains itself"
            raise UnreadableError(node.line, node.column, message)
        self.source.values[path] = (node.line, node.column)
        if isinstance(node, Mapping):
            return self._mapping(node, path)
        if isinstance(node, Listing):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.items)]
        assert isinstance(node, Scalar)
        return self._scalar(node)

    def _scalar(self, node: Scalar) -> Any:  # noqa: ANN401 - YAML holds anything
        if node.tag is None and not node.plain:
            return node.text
        if node.tag is None and _CODE.fullmatch(node.text):
            return node.text
        if node.tag is None and node.text in self._known:
            return self._known[node.text]
        try:
            tag = node.tag or self._resolver.resolve(ScalarNode, node.text, (True, False))
            value = self._constructor.construct_object(ScalarNode(tag, node.text))
        except (YAMLError, ValueError, OverflowError) as error:
            why = " ".join(str(error).split())[:200]
            problem = Problem(node.line, node.column, f"cannot read {node.text[:60]!r}: {why}")
            self.source.problems.append(problem)
            return None
        value = value if isinstance(value, str | int | float | bool | None) else node.text
        if node.tag is None:
            self._known[node.text] = value
        return value

    def _mapping(self, node: Mapping, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
            place = key_node.line, key_node.column
            if not isinstance(key_node, Scalar):
                self.source.problems.append(Problem(*place, "a key must be a word, not a list or a mapping"))
                continue
            key = key_node.text
            if key in result:
                first = self.source.keys[*path, key][0]
                self.source.problems.append(
                    Problem(*place, f"{key!r} is given twice here; the first is in line {first}")
                )
                continue
            self.source.keys[*path, key] = place
            result[key] = self.read(value_node, (*path, key))
        return result
