"""From a suite file to a `Suite`, or to *every* mistake in it, each with its line, column and mending."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from voicewright.languages import base_language, is_known
from voicewright.suite import Suite
from voicewright.suite.format.turn import LOCAL_TEXTS
from voicewright.suite.reading.expectations import unmeetable
from voicewright.suite.reading.yaml_source import MAX_BYTES, Problem, Source, read_yaml

_MAX_PROBLEMS = 200


class SuiteError(Exception):
    """A suite that cannot be run. `problems` is sorted by position and never empty."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        super().__init__("\n".join(problem.at(name) for problem in problems))


def load_suite(path: Path) -> tuple[Suite, bytes]:
    """Read a suite file; returns the suite and the file's bytes.

    Raises:
        SuiteError: the file cannot be read or has mistakes; it lists all of them.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                size_mb = path.stat().st_size / 1e6
                limit_mb = MAX_BYTES // 1_000_000
                message = f"the file has {size_mb:.1f} MB; a suite has at most {limit_mb} MB: split it"
                raise SuiteError(str(path), [Problem(1, 1, message)])
    except OSError as error:
        raise SuiteError(str(path), [Problem(1, 1, f"cannot read the file: {error.strerror}")]) from None
    return parse_suite(raw, str(path)), raw


def parse_suite(raw: bytes, name: str) -> Suite:
    """Read a suite from bytes; `name` is how its mistakes are labelled.

    Raises:
        SuiteError: it has mistakes; the error lists all of them.
    """
    source = read_yaml(raw)
    problems = list(source.problems)
    hidden = 0
    suite: Suite | None = None
    if isinstance(source.data, dict):
        try:
            suite = Suite.model_validate(source.data)
        except ValidationError as error:
            mistakes = _mistakes(error, source)
            problems += [_in_words(mistake, source) for mistake in mistakes[:_MAX_PROBLEMS]]
            hidden = len(mistakes[_MAX_PROBLEMS:])
        problems += _sense_problems(source)
    elif not problems:
        problems.append(Problem(1, 1, "a suite is a mapping that starts with `suite: NAME`"))
    if problems or suite is None:
        ordered = sorted(set(problems))
        hidden += len(ordered[_MAX_PROBLEMS:])
        if hidden:
            last = ordered[:_MAX_PROBLEMS][-1]
            more = Problem(last.line, last.column, f"... and {hidden} more mistakes after this one")
            ordered = [*ordered[:_MAX_PROBLEMS], more]
        raise SuiteError(name, ordered)
    return suite


@dataclass(frozen=True)
class _Mistake:
    """What pydantic says of one place."""

    line: int
    column: int
    path: tuple[str | int, ...]
    kinds: frozenset[str]
    details: list[Any]


def _mistakes(error: ValidationError, source: Source) -> list[_Mistake]:
    """What pydantic found, each mistake once, in the order of the file."""
    by_place: dict[tuple[str | int, ...], list[Any]] = {}
    for detail in error.errors(include_url=False):
        path = _source_path(detail["loc"], source)
        if detail["type"] in _TAGS:
            name = detail["ctx"]["discriminator"].strip("'")
            detail = _tag_problem(detail, name)  # noqa: PLW2901 - the same mistake, at its place
            path = (*path, name) if detail["type"] == "literal_error" else path
        by_place.setdefault(path, []).append(detail)
    around = {path[:length] for path in by_place for length in range(len(path))}
    found: list[_Mistake] = []
    for path, details in by_place.items():
        kinds = frozenset(detail["type"] for detail in details)
        if kinds <= _OTHER_SHAPES and path in around:
            continue  # another member of the union fits the shape; its own complaint stands deeper
        line, column = source.key_at(path) if "extra_forbidden" in kinds else source.value_at(path)
        found.append(_Mistake(line, column, path, kinds, details))
    return sorted(found, key=lambda mistake: (mistake.line, mistake.column))


def _in_words(mistake: _Mistake, source: Source) -> Problem:
    path, details = mistake.path, mistake.details
    if "extra_forbidden" in mistake.kinds:
        words = _unknown_key(path, source)
    elif mistake.kinds == {"missing"}:
        words = f"{_spell(path) or 'the suite'} needs `{details[0]['loc'][-1]}`"
    else:
        words = f"{_spell(path) or 'the suite'}: {_wording(details)}"
    return Problem(mistake.line, mistake.column, words)


def _tag_problem(detail: Any, name: str) -> Any:  # noqa: ANN401 - pydantic's details
    """A union's complaint about the key that chooses its member, as if that key had been wrong by itself."""
    if detail["type"] == "union_tag_not_found":
        return {**detail, "type": "missing", "loc": (*detail["loc"], name)}
    context = detail["ctx"]
    known = {"expected": context["expected_tags"].replace(", ", " or ")}
    return {**detail, "type": "literal_error", "input": context["tag"], "ctx": known}


def _source_path(loc: tuple[int | str, ...], source: Source) -> tuple[str | int, ...]:
    """Pydantic's location without the union members that it mixes in."""
    node: Any = source.data
    path: list[str | int] = []
    for part in loc:
        if _has(node, part):
            node = node[part]
            path.append(part)
    return tuple(path)


def _has(node: Any, part: int | str) -> bool:  # noqa: ANN401 - YAML holds anything
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


_TAGS = {"union_tag_invalid", "union_tag_not_found"}
_OTHER_SHAPES = {"dict_type", "list_type", "string_type"}
_PATTERNS = {
    r"\S": "must not be blank",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "must start with a letter or digit and hold only letters, digits, '.', '_', '-'",
    r"^wss?://[^\s/]+": "must be a WebSocket address such as wss://agent.example/media",
    r"^sips?:[^\s<>]+$": "must be a SIP address such as sip:agent@example.com",
    r"^sips?:[^\s<>@]+@[^\s<>]+$": "must be a SIP address such as sip:tester@example.com",
    r"^https?://[^\s/]+": "must be an address such as https://agent.example",
    r"^\+[1-9]\d{6,14}$": "must be a telephone number in E.164, such as +14155550100",
    r"^\$": "must be a JSONPath such as $.CommandKind",
    r"^[0-9A-D*#]+$": "must hold only keys of a telephone: 0-9, A-D, * and #",
}
_WORDS = {
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


def _wording(details: list[dict[str, Any]]) -> str:
    """One sentence for all that a union's members complain about in one place."""
    telling = [detail for detail in details if detail["type"] not in _WORDS] or details
    words: list[str] = []
    for detail in telling:
        text = _WORDS.get(detail["type"]) or str(detail["msg"]).removeprefix("Value error, ")
        text = text.replace("Input should be", "must be").replace("should have", "must have")
        if detail["type"] == "string_pattern_mismatch":
            pattern = detail["ctx"]["pattern"]
            text = _PATTERNS.get(pattern, f"must look like {pattern}")
        if detail["type"] == "literal_error":
            text = f"must be {detail['ctx']['expected']}"
        if text not in words:
            words.append(text)
    got = details[0]["input"]
    shown = f", not {got!r}" if isinstance(got, int | float | bool | str) and len(str(got)) <= 60 else ""  # noqa: PLR2004
    return " or ".join(words) + (shown if telling == details else "")


def _spell(path: tuple[str | int, ...]) -> str:
    """`cases[2].turns[0].say`, as people point at things."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _unknown_key(path: tuple[str | int, ...], source: Source) -> str:
    key = str(path[-1])
    known = _keys_at(path[:-1], source.data)
    guess = get_close_matches(key, known, 1, 0.6)
    hint = f"; did you mean `{guess[0]}`?" if guess else f"; known here: {', '.join(known)}" if known else ""
    return f"unknown key `{key}`{hint}"


def _keys_at(path: tuple[str | int, ...], node: Any) -> list[str]:  # noqa: ANN401 - YAML holds anything
    """The keys that the model at a path of the source knows."""
    model: type[BaseModel] | None = Suite
    for part in path:
        node = node[part] if _has(node, part) else None
        if isinstance(part, int):
            continue
        fields = {info.alias or name: info for name, info in model.model_fields.items()} if model is not None else {}
        model = _model_in(fields[part].annotation, node) if part in fields else None
    return [info.alias or name for name, info in model.model_fields.items()] if model is not None else []


def _model_in(annotation: Any, node: Any) -> type[BaseModel] | None:  # noqa: ANN401 - an annotation is anything
    """The model that a value of this annotation would be; of several, the one that the value's channel chooses."""
    models = list(_models_in(annotation))
    tag = node.get("channel") if isinstance(node, dict) else None
    chosen = [model for model in models if tag is not None and tag in get_args(_channel_of(model))]
    return next(iter(chosen or models), None)


def _channel_of(model: type[BaseModel]) -> Any:  # noqa: ANN401 - an annotation is anything
    return model.model_fields["channel"].annotation if "channel" in model.model_fields else None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - an annotation is anything
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if get_origin(annotation) is not None or isinstance(annotation, UnionType | type(Union[int, str])):  # noqa: UP007
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _sense_problems(source: Source) -> Iterator[Problem]:
    """What no single field can know: ids given twice, languages without a text.

    Reads the raw values, so that it also speaks when other parts of the file are misshapen.
    """
    cases = source.data.get("cases")
    if not isinstance(cases, list):
        return
    defaults = source.data.get("defaults")
    default_languages = defaults.get("languages") if isinstance(defaults, dict) else None
    first: dict[str, int] = {}
    for index, case in enumerate(cases):
        if not isinstance(case, dict):
            continue
        case_id = case.get("id")
        if isinstance(case_id, str):
            line, column = source.value_at(("cases", index, "id"))
            if case_id in first:
                yield Problem(line, column, f"the id {case_id!r} is already taken by the case in line {first[case_id]}")
            first.setdefault(case_id, line)
        languages = case.get("languages") or default_languages or ["en"]
        if not isinstance(languages, list):
            continue
        spoken = [tag for tag in languages if isinstance(tag, str) and is_known(tag)]
        if isinstance(case.get("turns"), list):
            yield from _missing_translations(source, ("cases", index, "turns"), case["turns"], spoken)


def _missing_translations(
    source: Source, path: tuple[str | int, ...], turns: list[Any], languages: list[str]
) -> Iterator[Problem]:
    for number, turn in enumerate(turns):
        if not isinstance(turn, dict):
            continue
        here = (*path, number)
        yield from _untranslated(source, here, turn, languages)
        yield from unmeetable(source, here, turn, languages)
        ways = turn.get("when")
        for way, branch in enumerate(ways if isinstance(ways, list) else []):
            if isinstance(branch, dict):
                yield from _untranslated(source, (*here, "when", way), branch, languages)
                if isinstance(branch.get("then"), list):
                    yield from _missing_translations(source, (*here, "when", way, "then"), branch["then"], languages)
        if isinstance(turn.get("else"), list):
            yield from _missing_translations(source, (*here, "else"), turn["else"], languages)


def _untranslated(
    source: Source, path: tuple[str | int, ...], node: dict[str, Any], languages: list[str]
) -> Iterator[Problem]:
    for part, keys in LOCAL_TEXTS.items():
        inside = node if part == "turn" else node.get(part)
        if not isinstance(inside, dict):
            continue
        for key in keys:
            text = inside.get(key)
            if not isinstance(text, dict):
                continue
            missing = [tag for tag in languages if tag not in text and base_language(tag) not in text]
            if missing:
                where = (key,) if part == "turn" else (part, key)
                line, column = source.value_at((*path, *where))
                names = ", ".join(missing)
                yield Problem(line, column, f"`{'.'.join(where)}` has no text for {names}, in which the case is spoken")
