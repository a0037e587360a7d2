"""JUnit XML is XML whatever an agent, a person or a recogniser brings into it."""

from xml.etree import ElementTree as ET

import pytest
from test_report import Shelf, check, result

from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.report.junit import junit_xml
from voicewright.report.results import PendingCase

ODD = [
    "\ufffe",
    "\uffff",
    "\x00",
    "\x0b",
    "\x1b[31m",
    "\ud800",
    "\U0001ffff",
    "]]>",
    "<&\"'>",
    "é\u200d😀",
    "\r\n\t",
    "9" * 5000,
]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ERRORED, Outcome.UNREVIEWED, Outcome.PASSED])
def test_it_is_read_by_a_parser_that_forgives_nothing(odd: str, outcome: Outcome) -> None:
    wrong = check("time", CheckOutcome.FAILED, "x")
    one = result(Shelf(), "a", outcome, (wrong.model_copy(update={"evidence": f"heard {odd}!"}),))
    verdict = one.verdict
    assert verdict is not None
    verdict = verdict.model_copy(update={"reason": f"time: heard {odd}!"})
    key = CaseKey.model_construct(case=f"a{odd}", language="en", repeat=1, profile=odd)
    one = one.model_copy(update={"key": key, "verdict": verdict, "workflow_id": f"run-{odd}"})
    waiting = PendingCase(key=CaseKey(case="b", language="en"), workflow_id="w").model_copy(update={"reason": odd})
    raw = junit_xml(f"s{odd}", f"run-{odd}", [one], [waiting])
    root = ET.fromstring(raw)  # noqa: S314 - made here
    first, second = root.iter("testcase")
    assert first.get("name", "").startswith("a")
    if outcome is Outcome.FAILED:
        [failure] = first
        assert (failure.get("message") or "").endswith("!")
        assert "heard " in (failure.text or "")
    assert second[0].tag == "skipped"
