"""Turns what people decided into labelled pairs.

A person decides on a whole case, so an answer gets a label only if it was the only one in doubt. If several were in
doubt, a pass would label them all but a fail would label none; with only the passes the labels would be biased.
"""

import json
from collections.abc import Collection
from typing import Literal

from activities.checks.answer import CUT
from voicewright.contracts.case import CaseResult
from voicewright.contracts.check import CheckKind, CheckOutcome
from voicewright.contracts.review import ReviewVerdict
from voicewright.contracts.transcript import Transcript
from voicewright.judge import Condition, LabelledPair
from voicewright.store.keys import decision_key
from voicewright.store.port import ObjectStore
from voicewright.suite import SpokenCase

_LABELS: dict[ReviewVerdict, Literal["pass", "fail"]] = {ReviewVerdict.PASS: "pass", ReviewVerdict.FAIL: "fail"}
"""A case that is itself unclear teaches nothing."""


def decided_pairs(result: CaseResult, case: SpokenCase, certain: Collection[int] = ()) -> list[LabelledPair]:
    """Labelled pairs from a case that a person decided; empty if no label is certain.

    Args:
        result: of the case.
        case: as the suite has it.
        certain: turns whose words no recogniser can have misheard, counted from 0.
    """
    if result.review is None or result.verdict is None or result.review.verdict not in _LABELS:
        return []
    unsure = [check for check in result.verdict.checks if check.outcome is CheckOutcome.UNSURE]
    if len(unsure) != 1:
        return []
    return [
        LabelledPair(
            expected=check.expected,
            actual=check.actual,
            label=_LABELS[result.review.verdict],
            lang=result.key.language,
            question=case.steps[check.turn].say if check.turn is not None else None,
            group=result.run_id,
            source=f"{result.suite.name}/{result.key}",
            condition=Condition.WRITTEN if check.turn in certain else Condition.RECOGNISED,
        )
        for check in unsure
        if check.kind is CheckKind.MEANING and check.expected and not check.actual.endswith(CUT)
    ]


def keep(store: ObjectStore, project: str, result: CaseResult, case: SpokenCase) -> None:
    """Store the pairs of a decided case, once."""
    pairs = decided_pairs(result, case, _certain(store, result))
    if pairs:
        body = "\n".join(pair.model_dump_json(exclude_defaults=True) for pair in pairs)
        store.put_if_absent(decision_key(project, result.workflow_id), body.encode(), "application/jsonl")


def _certain(store: ObjectStore, result: CaseResult) -> Collection[int]:
    if result.transcript is None:
        return ()
    return Transcript.model_validate_json(store.get(result.transcript.transcript.key)).agent.certain


def kept(store: ObjectStore, project: str) -> list[LabelledPair]:
    """All labelled pairs of a project."""
    found = []
    for key in store.list_keys(decision_key(project, "")):
        found += [LabelledPair.model_validate(json.loads(line)) for line in store.get(key).decode().split("\n")]
    return found
