"""One case is read out of a suite as the whole suite has it, in a time that does not grow with the others."""

import json
import time
from pathlib import Path

import pytest

from voicewright.suite.reading.file import load_suite, parse_suite
from voicewright.suite.reading.one_case import parse_case

HEAD = "suite: big\nagent: {channel: media_stream, url: ws://127.0.0.1:1/media}\n"
CASE = (
    "{indent}- id: {id}\n{indent}  title: The {id}\n{indent}  turns:\n"
    "{indent}    - say: cases\n{indent}    - say: 'id: c1'\n"
)


def cases(*ids: str, indent: str = "  ") -> str:
    return "".join(CASE.format(indent=indent, id=case) for case in ids)


SUITES = {
    "indented": HEAD + "cases:\n" + cases("c0", "c1", "c10") + "max_parallel: 7\n",
    "at the margin": HEAD + "cases: # all\n\n# first\n" + cases("c0", "c1", "c10", indent="") + "max_parallel: 7\n",
    "in the middle": "cases:\n" + cases("c0", "c1", "c10") + "# end\n" + HEAD + "max_parallel: 7\n",
    "in braces": HEAD + "max_parallel: 7\ncases:\n"
    + "".join(f"  - {{id: {one}, title: The {one}, turns: [{{say: cases}}]}}\n" for one in ("c0", "c1", "c10")),
    "quoted": (HEAD + "cases:\n" + cases("c0", "c1", "c10") + "max_parallel: 7\n").replace("id: c1\n", 'id: "c1"\n'),
    "the id not first": HEAD + "max_parallel: 7\ncases:\n"
    + "".join(f"  - turns: [{{say: x}}]\n    title: The {one}\n    id: {one}\n" for one in ("c0", "c1", "c10")),
    "a bare dash": HEAD + "max_parallel: 7\ncases:\n"
    + "".join(f"-\n  title: The {one}\n  id: {one}\n  turns: [{{say: x}}]\n" for one in ("c0", "c1", "c10")),
    "windows": (HEAD + "cases:\n" + cases("c0", "c1", "c10") + "max_parallel: 7\n").replace("\n", "\r\n"),
    "a list": HEAD + "max_parallel: 7\ncases: ["
    + ", ".join(f"{{id: {one}, title: The {one}, turns: [{{say: x}}]}}" for one in ("c0", "c1", "c10")) + "]\n",
    "an alias": HEAD + "max_parallel: 7\ncases:\n  - id: c0\n    title: The c0\n    turns: &t [{say: x}]\n"
    + "".join(f"  - id: {one}\n    title: The {one}\n    turns: *t\n" for one in ("c1", "c10")),
    "block text": HEAD + "max_parallel: 7\ndescription: |\n  cases:\n  - id: c1\ncases:\n"
    + "".join(f"  - id: {one}\n    title: The {one}\n    turns:\n      - say: |\n         - id: c1\n\n         x\n"
              for one in ("c0", "c1", "c10")),
}  # fmt: skip


@pytest.mark.parametrize("form", SUITES)
@pytest.mark.parametrize("case_id", ["c0", "c1", "c10"])
def test_it_is_what_the_whole_suite_has(form: str, case_id: str) -> None:
    raw = SUITES[form].encode()
    whole, one = parse_suite(raw, "x"), parse_case(raw, case_id, "x")
    assert one.cases == [whole.case(case_id)]
    assert one.cases[0].title == f"The {case_id}"
    assert one.model_copy(update={"cases": whole.cases}) == whole
    assert one.max_parallel == 7


def test_every_case_of_the_example_is_found() -> None:
    whole, raw = load_suite(Path("examples/clinic/suite.yaml"))
    for case in whole.cases:
        assert parse_case(raw, case.id, "x").cases == [case]


def test_a_case_that_is_not_there_is_not_found() -> None:
    with pytest.raises(KeyError):
        parse_case(SUITES["indented"].encode(), "c2", "x")


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_ten_thousand_cases_cost_no_more_than_a_few(form: str) -> None:
    ids = [f"case-{number}" for number in range(10_000)]
    raw = (HEAD + "cases:\n" + cases(*ids)).encode()
    if form == "json":
        agent = {"channel": "media_stream", "url": "ws://127.0.0.1:1/media"}
        listed = [{"id": one, "title": f"The {one}", "turns": [{"say": "x"}]} for one in ids]
        raw = json.dumps({"suite": "big", "agent": agent, "cases": listed}).encode()
    began = time.process_time()
    assert parse_case(raw, ids[-1], "x").cases[0].title == f"The {ids[-1]}"
    assert time.process_time() - began < 2.0  # read whole, it takes ten times as long
