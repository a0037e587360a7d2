"""Records as values of columns, and back."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseKey, SuiteRef
from voicewright.contracts.records import (
    BlindRecord,
    CaseRecord,
    CheckRecord,
    DefectRecord,
    OpinionRecord,
    ReviewRecord,
    RunRecord,
    TurnRecord,
)

Values = dict[str, Any]
_OF_RUN = tuple(name for name in RunRecord.model_fields if name != "suite")
_PARTS = {"turns", "checks", "review", "opinions", "blind", "defects"}
_OF_CASE = tuple(name for name in CaseRecord.model_fields if name not in {"run_id", "key", *_PARTS})
R = TypeVar("R", bound=Contract)
Found = Row[*tuple[Any, ...]]
"""A row of any columns."""


def run_values(run: RunRecord) -> Values:
    """Of the table `runs`, but for its references."""
    return {name: getattr(run, name) for name in _OF_RUN}


def run_record(row: Found, suite: SuiteRef) -> RunRecord:
    """The opposite."""
    return RunRecord(suite=suite, **{name: getattr(row, name) for name in _OF_RUN})


def case_values(case: CaseRecord) -> Values:
    """Of the table `cases`, but for its references."""
    return {**{name: getattr(case, name) for name in _OF_CASE}, **case.key.model_dump()}


def case_record(row: Found, run_id: str, parts: Mapping[str, Sequence[Found]]) -> CaseRecord:
    """The opposite; `parts` are the case's rows of the tables that hang on it, in their order."""
    review = next((_record(ReviewRecord, one) for one in parts["reviews"]), None)
    return CaseRecord(
        run_id=run_id,
        key=case_key(row),
        turns=tuple(_record(TurnRecord, one) for one in parts["turns"]),
        checks=tuple(_record(CheckRecord, one) for one in parts["checks"]),
        review=review,
        blind=next((_record(BlindRecord, one) for one in parts["blind_reviews"]), None),
        opinions=tuple(_record(OpinionRecord, one) for one in parts["opinions"]),
        defects=tuple(one.defect for one in parts["case_defects"]),
        **{name: getattr(row, name) for name in _OF_CASE},
    )


def case_key(row: Found) -> CaseKey:
    """Of a row of the table `cases`."""
    return _record(CaseKey, row)


def part_values(case: CaseRecord) -> dict[str, list[Values]]:
    """What hangs on a case, by table."""
    return {
        "turns": [{"place": place, **dict(turn)} for place, turn in enumerate(case.turns)],
        "checks": [{"place": place, **dict(check)} for place, check in enumerate(case.checks)],
        "opinions": [{"place": place, **dict(opinion)} for place, opinion in enumerate(case.opinions)],
        "blind_reviews": [dict(case.blind)] if case.blind is not None else [],
        "case_defects": [{"place": place, "defect": defect} for place, defect in enumerate(case.defects)],
        "reviews": [dict(case.review)] if case.review is not None else [],
    }


def defect_record(row: Found) -> DefectRecord:
    """Of the table `defects`."""
    return _record(DefectRecord, row)


def _record(model: type[R], row: Found) -> R:
    return model(**{name: getattr(row, name) for name in model.model_fields})
