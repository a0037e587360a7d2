"""What an agent's protocol says of its answer: the intent that it understood, and its structured result."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from activities.checks.hard import hard
from voicewright.contracts.call import CallRecord
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.text import cut
from voicewright.result_path import find
from voicewright.suite.format.turn import Turn

_QUOTED = 200


def structured_checks(steps: Sequence[Turn], record: CallRecord) -> Iterator[Check]:
    """One check for every intent and every path that a turn expects."""
    for timing in record.turns:
        expect = steps[timing.turn].expect
        if expect is None or (expect.intent is None and not expect.result):
            continue
        said = [event.answer for event in record.events if event.turn == timing.turn and event.answer is not None]
        if expect.intent is not None:
            got = [answer.intent for answer in said if answer.intent is not None]
            # An agent may call several functions in a turn; the values belong to the one that is expected.
            said = [answer for answer in said if answer.intent == expect.intent] or said
            heard = next((answer.understood for answer in said if answer.understood), "")
            named = cut(", ".join(dict.fromkeys(got)), _QUOTED)
            yield hard(
                CheckKind.INTENT,
                timing.turn,
                passed=expect.intent in got,
                expected=expect.intent,
                actual=named or "none",
                evidence=f"the agent understood {cut(heard, _QUOTED)!r} as {named or 'nothing'}",
            )
        for path, wanted in expect.result.items():
            found = [value for answer in said for value in find(path, answer.result)]
            shown = cut(", ".join(repr(value)[:_QUOTED] for value in found), _QUOTED) or "nothing"
            check = hard(
                CheckKind.RESULT,
                timing.turn,
                passed=any(_equal(value, wanted) for value in found),
                expected=f"{path} is {wanted!r}",
                actual=shown,
                evidence=f"{path} in the agent's result is {shown}",
            )
            yield check if found or not any(answer.partial for answer in said) else _too_large(check)


def _too_large(check: Check) -> Check:
    """What is not in the part that was kept of a large result may have been in the rest."""
    because = "the result was too large to be kept whole"
    return check.model_copy(
        update={"outcome": CheckOutcome.UNSURE, "evidence": f"{check.evidence}; {because}", "confidence": 0.5}
    )


def _equal(found: object, wanted: JsonValue) -> bool:
    """Numbers and their spellings are one: agents write `9` and `"9"`."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found == wanted or (isinstance(found, str | int | float) and str(found) == str(wanted))
