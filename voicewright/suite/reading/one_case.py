"""One case of a suite, without reading the thousands that stand beside it."""

import json
import re
from collections.abc import Iterator

from pydantic import ValidationError

from voicewright.suite import Suite
from voicewright.suite.reading.file import SuiteError, parse_suite

_CASES = re.compile(r"^cases:[ \t]*(?:#.*)?\n", re.MULTILINE)
_ITEM = re.compile(r"^( *)-(?:[ \t]|$)", re.MULTILINE)


def parse_case(raw: bytes, case_id: str, name: str) -> Suite:
    """The suite that `raw` holds, with the one case `case_id` and no other.

    A suite whose cases stand in lines of their own, or that is JSON, is read in a time that hardly grows with its
    cases. Any other is read whole.

    Args:
        raw: a suite that is known to be free of mistakes.
        case_id: id of the case.
        name: how the suite's mistakes are labelled.

    Raises:
        SuiteError: the suite has mistakes.
        KeyError: it has no such case.
    """
    for document in _documents(raw, case_id):
        try:
            suite = parse_suite(document, name)
        except SuiteError:
            continue  # it needs what was left out: an alias, say
        if [case.id for case in suite.cases] == [case_id]:
            return suite
    return _of_json(raw, case_id) or _of_the_whole(raw, case_id, name)


def _documents(raw: bytes, case_id: str) -> Iterator[bytes]:
    """The text without all cases but one, for every case that may be the one that is sought."""
    text = raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    head = _CASES.search(text)
    first = _ITEM.search(text, head.end()) if head is not None else None
    if head is None or first is None or text[head.end() : first.start()].strip():
        return
    # What belongs to an item stands further to the right than its dash: YAML 1.2.2, sections 6.1 and 8.2.1.
    items = re.compile(rf"^{first[1]}-(?:[ \t]|$)", re.MULTILINE)
    after = re.compile(rf"^(?! {{{len(first[1])}}}[ \t-]|[ \t]*(?:#|$))", re.MULTILINE)
    end = after.search(text, first.end())
    stop = end.start() if end is not None else len(text)
    starts = [match.start() for match in items.finditer(text, first.start(), stop)]
    sought = re.compile(rf"""\bid["']?[ \t]*:[ \t]*["']?{re.escape(case_id)}(?![\w.-])""")
    for start, following in zip(starts, [*starts[1:], stop], strict=True):
        if sought.search(text, start, following):
            yield (text[: first.start()] + text[start:following] + text[stop:]).encode()


def _of_json(raw: bytes, case_id: str) -> Suite | None:
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        data = json.loads(raw)
        found = [case for case in data["cases"] if case["id"] == case_id]
        return Suite.model_validate({**data, "cases": found}) if len(found) == 1 else None
    except (ValueError, ValidationError, KeyError, TypeError, RecursionError):
        return None  # YAML that looks like it


def _of_the_whole(raw: bytes, case_id: str, name: str) -> Suite:
    suite = parse_suite(raw, name)
    return suite.model_copy(update={"cases": [suite.case(case_id)]})
