"""YAML that remembers where everything stood, and that cannot be used as a weapon.

ruamel.yaml composes the node tree (YAML 1.2: `9:30` is text and `no` is a word); this module turns it into
plain values and keeps the position of each, so that a mistake found later can be shown at its line and column.
"""

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_BYTES = 4_000_000
MAX_NODES = 400_000
MAX_DEPTH = 40

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


class _UnreadableError(Exception):
    """The document cannot be read at all, or expands to more than a suite can hold."""

    def __init__(self, line: int, column: int, message: str) -> None:
        self.problem = Problem(line, column, message)


def read_yaml(raw: bytes) -> Source:
    """Parse `raw` as one YAML document; mistakes are in `problems`, never raised."""
    source = Source()
    try:
        source.data = _Reader(source).read(_compose(raw), ())
    except _UnreadableError as error:
        source.problems.append(error.problem)
    return source


def _compose(raw: bytes) -> Node:
    """Bytes to a node tree."""
    if len(raw) > MAX_BYTES:
        limit = f"a suite has at most {MAX_BYTES // 1_000_000} MB"
        raise _UnreadableError(1, 1, f"the file has {len(raw) / 1e6:.1f} MB; {limit}: split it")
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"not UTF-8: byte 0x{raw[error.start]:02x}; save the file as UTF-8"
        raise _UnreadableError(before.count(b"\n") + 1, column, message) from None
    except MarkedYAMLError as error:
        raise _syntax_error(error) from None
    except RecursionError:
        message = f"nested too deeply: a suite needs no more than {MAX_DEPTH} levels"
        raise _UnreadableError(1, 1, message) from None
    except (YAMLError, ValueError) as error:
        raise _UnreadableError(1, 1, f"broken YAML: {' '.join(str(error).split())[:300]}") from None
    if node is None:
        raise _UnreadableError(1, 1, "the file is empty: a suite needs `suite`, `agent` and `cases`")
    return node


def _syntax_error(error: MarkedYAMLError) -> _UnreadableError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = " ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in what:
        what += " (indent with spaces, not tabs)"
    return _UnreadableError(line, column, f"broken YAML: {what}")


def _position(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Reader:
    """Walks the node tree once per appearance; aliases count each time, so a bomb runs into the bound."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes = 0
        self.scalars = YAML(typ="safe", pure=True).constructor

    def read(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
        self.nodes += 1
        line, column = _position(node)
        if self.nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values once its aliases are expanded: write them out or split the file"
            raise _UnreadableError(line, column, message)
        if len(path) > MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep, or an alias that contains itself"
            raise _UnreadableError(line, column, message)
        self.source.values[path] = (line, column)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self._scalar(node)

    def _scalar(self, node: ScalarNode) -> Any:  # noqa: ANN401 - YAML holds anything
        try:
            value = self.scalars.construct_object(node)
        except (YAMLError, ValueError, OverflowError) as error:
            line, column = _position(node)
            self.source.problems.append(
                Problem(line, column, f"cannot read {node.value[:60]!r}: {' '.join(str(error).split())[:200]}")
            )
            return None
        return value if isinstance(value, str | int | float | bool | None) else str(node.value)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line, column = _position(key_node)
            if not isinstance(key_node, ScalarNode):
                self.source.problems.append(Problem(line, column, "a key must be a word, not a list or a mapping"))
                continue
            key = str(key_node.value)
            if key in result:
                first = self.source.keys[*path, key][0]
                self.source.problems.append(
                    Problem(line, column, f"{key!r} is given twice here; the first is in line {first}")
                )
                continue
            self.source.keys[*path, key] = (line, column)
            result[key] = self.read(value_node, (*path, key))
        return result
