"""Erasing what was said in calls: what is asked for, what was done, and how a stored result looks afterwards."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from voicewright.contracts.base import Contract
from voicewright.contracts.text import FREE_TEXT, Name, Sentence

ERASED = "[erased]"
"""Stands where something was said."""
_C = TypeVar("_C", bound=Contract)


class ErasureRequest(Contract):
    """Input of `Erase`."""

    run_id: str
    cases: tuple[str, ...] = ()
    """Ids of the cases; none: all of the run."""
    by: Name
    reason: Sentence = ""


class ErasureReceipt(Contract):
    """What was erased; stored in each case's folder as `erased.json`, and the answer to a request."""

    run_id: str
    at: str
    """ISO 8601, UTC."""
    by: Name
    reason: Sentence = ""
    cases: tuple[str, ...] = ()
    """Ids of the cases."""
    objects: int = 0
    """That were removed from the object store, recordings and transcripts among them."""
    defects: tuple[str, ...] = ()
    """Ids of defects whose evidence was erased."""
    issues: tuple[str, ...] = ()
    """Addresses of issues in an outside tracker that were told of these cases: to be cleaned there, by hand."""
    waiting: tuple[str, ...] = ()
    """Ids of cases that have not ended, of which nothing was erased."""


class DueErasures(Contract):
    """Output of `erase_due`: of how many runs and cases something was erased."""

    runs: int
    cases: int


def without_words(model: _C) -> _C:
    """The same with `ERASED` for everything in it that somebody may have said or written (fields of `FREE_TEXT`).

    Numbers, times, outcomes and names of reviewers stay.
    """
    hints = _hints(type(model))
    return model.model_copy(update={name: _erased(getattr(model, name), hints[name]) for name in hints})


def _erased(value: Any, free: bool) -> Any:  # noqa: ANN401 - of any field
    if isinstance(value, Contract):
        return without_words(value)
    if isinstance(value, str):
        return ERASED if free and value else value
    if isinstance(value, (tuple, list)):
        return type(value)(_erased(one, free) for one in value)
    if free:  # a value of any form, as an agent's protocol has them
        return None
    if isinstance(value, Mapping):
        return {key: _erased(one, free) for key, one in value.items()}
    return value


@cache
def _hints(kind: type[Contract]) -> dict[str, bool]:
    """The fields of a contract, and whether each holds free text."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _is_free(hints[name]) for name in kind.model_fields}


def _is_free(hint: Any) -> bool:  # noqa: ANN401 - a type
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return FREE_TEXT in marks or _is_free(inner)
    return any(_is_free(one) for one in get_args(hint))
