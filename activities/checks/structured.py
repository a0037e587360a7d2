"""What an agent's protocol says of its answer: the intent that it understood, and its structured result."""

from collections.abc import Iterator, Sequence

import jsonpath
from pydantic import JsonValue

from activities.checks.hard import hard
from voicewright.call import CallRecord
from voicewright.turn import Turn
from voicewright.verdict import Check


def structured_checks(steps: Sequence[Turn], record: CallRecord) -> Iterator[Check]:
    """One check for every intent and every path that a turn expects."""
    for timing in record.turns:
        expect = steps[timing.turn].expect
        if expect is None or (expect.intent is None and not expect.result):
            continue
        said = [event.data for event in record.events if event.turn == timing.turn and "intent" in event.data]
        if expect.intent is not None:
            got = [str(data.get("intent")) for data in said]
            # An agent may call several functions in a turn; the values belong to the one that is expected.
            said = [data for data in said if data.get("intent") == expect.intent] or said
            heard = next((data.get("understood") for data in said if data.get("understood")), "")
            yield hard(
                "intent",
                timing.turn,
                passed=expect.intent in got,
                expected=expect.intent,
                actual=", ".join(got) or "none",
                evidence=f"the agent understood {heard!r} as {', '.join(got) or 'nothing'}",
            )
        for path, wanted in expect.result.items():
            found = [value for data in said for value in jsonpath.findall(path, data.get("result") or {})]
            shown = ", ".join(repr(value) for value in found)[:200] or "nothing"
            yield hard(
                "result",
                timing.turn,
                passed=any(_equal(value, wanted) for value in found),
                expected=f"{path} is {wanted!r}",
                actual=shown,
                evidence=f"{path} in the agent's result is {shown}",
            )


def _equal(found: object, wanted: JsonValue) -> bool:
    """Numbers and their spellings are one: agents write `9` and `"9"`."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found == wanted or (isinstance(found, str | int | float) and str(found) == str(wanted))
