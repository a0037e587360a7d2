"""YAML as a tree with positions, built from libyaml's events: fast, and stopped where a file is beyond all bounds."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

MAX_DEPTH = 40
MAX_NODES = 400_000
MAX_ITEMS = 40_000
"""Of one list or mapping, keys counted with their values: as many cases as a suite may have."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """A value. Lines and columns count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar(Node):
    """A word; `plain` where no quotes say that it is text."""

    text: str
    plain: bool
    tag: str | None


@dataclass(slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Node):
    """Keys and values in turn."""

    items: list[Node] = field(default_factory=list)


class UnreadableError(Exception):
    """The document cannot be read at all, or is larger than a suite can be. Lines and columns count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


def compose(text: str) -> Node:
    """The one document of a text.

    Raises:
        UnreadableError: it is broken, empty, more than one, or beyond the bounds.
    """
    try:
        return _tree(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(1, 1, f"broken YAML: {' '.join(str(error).split())[:300]}") from None


def _tree(events: Iterator[yaml.Event]) -> Node:
    tree = _Tree()
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            tree.open_nodes.pop()
        elif isinstance(event, yaml.NodeEvent):
            tree.add(event)
        elif isinstance(event, yaml.DocumentStartEvent) and tree.root is not None:
            raise UnreadableError(
                *_place(event), "broken YAML: a second document begins here, and one file is one suite"
            )
    if tree.root is None:
        raise UnreadableError(1, 1, "the file is empty: a suite needs `suite`, `agent` and `cases`")
    return tree.root


class _Tree:
    """What has come of a document."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open_nodes: list[Sequence | Mapping] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def add(self, event: yaml.NodeEvent) -> None:
        """The next value, or the beginning of one."""
        node = _node(event, self._anchors)
        self._count += 1
        if self._count > MAX_NODES:
            raise UnreadableError(node.line, node.column, f"more than {MAX_NODES:,} values: split the file")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if self.open_nodes:
            around = self.open_nodes[-1].items
            around.append(node)
            if len(around) > MAX_ITEMS:
                message = f"a list or mapping of more than {MAX_ITEMS:,} values: no part of a suite holds so many"
                raise UnreadableError(node.line, node.column, message)
        else:
            self.root = node
        if isinstance(event, yaml.CollectionStartEvent) and isinstance(node, Sequence | Mapping):
            self.open_nodes.append(node)
            if len(self.open_nodes) > MAX_DEPTH:
                message = f"nested too deeply: a suite needs no more than {MAX_DEPTH} levels"
                raise UnreadableError(node.line, node.column, message)


def _node(event: yaml.NodeEvent, anchors: dict[str, Node]) -> Node:
    line, column = _place(event)
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise UnreadableError(line, column, f"broken YAML: found undefined alias {event.anchor!r}")
        return anchors[event.anchor]
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(line, column, event.value, event.implicit[0], event.tag)
    return Sequence(line, column) if isinstance(event, yaml.SequenceStartEvent) else Mapping(line, column)


def _place(event: yaml.Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> UnreadableError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = " ".join(part for part in (error.context, error.problem) if part)
    there = text.split("\n", line)[line - 1 : line]
    if there and there[0][column - 1 : column] == "\t":
        what += " (indent with spaces, not tabs)"
    return UnreadableError(line, column, f"broken YAML: {what}")
