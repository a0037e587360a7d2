"""What people decided, as labelled pairs.

A person decides on a case. What that says of one answer is certain where that one alone was in doubt. Of several a pass
would tell as much, but a fail would not, and labels of passes alone would make answers look righter than they are.
"""

import json

from activities.checks.answer import CUT
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.truth import Labelled
from activities.ports import ObjectStore
from voicewright.artifact import decision_key
from voicewright.case import CaseResult
from voicewright.review import ReviewVerdict
from voicewright.suite import Case, in_language
from voicewright.verdict import CheckOutcome


def decided_pairs(result: CaseResult, case: Case) -> list[Labelled]:
    """Labelled pairs of a case that a person decided; empty where nothing can be said for sure."""
    if result.review is None or result.verdict is None:
        return []
    unsure = [check for check in result.verdict.checks if check.outcome is CheckOutcome.UNSURE]
    if len(unsure) != 1:
        return []
    passed = result.review.verdict is ReviewVerdict.PASS
    return [
        Labelled(
            expected=check.expected,
            actual=check.actual,
            label="pass" if passed else "fail",
            lang=result.key.language,
            question=in_language(case.steps[check.turn].say, result.key.language) if check.turn is not None else None,
            group=result.run_id,
            source=f"{result.suite.name}/{result.key}",
            condition=Condition.RECOGNISED,
        )
        for check in unsure
        if check.kind == "meaning" and check.expected and not check.actual.endswith(CUT)
    ]


def keep(store: ObjectStore, project: str, result: CaseResult, case: Case) -> None:
    """Store the pairs of a decided case, once."""
    pairs = decided_pairs(result, case)
    if pairs:
        body = "\n".join(pair.model_dump_json(exclude_defaults=True) for pair in pairs)
        store.put_if_absent(decision_key(project, result.workflow_id), body.encode(), "application/jsonl")


def kept(store: ObjectStore, project: str) -> list[Labelled]:
    """All labelled pairs of a project."""
    found = []
    for key in store.list_keys(decision_key(project, "")):
        found += [Labelled.model_validate(json.loads(line)) for line in store.get(key).decode().split("\n")]
    return found
