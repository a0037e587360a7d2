"""Every test is in one group, and `make test` runs all groups."""

import re
from pathlib import Path

import pytest
from groups import GROUPS, GroupError, group_of


@pytest.mark.parametrize(
    ("marked", "fixtures", "imported", "group"),
    [
        ({"calls"}, {"speech"}, {"caller"}, "calls"),
        ({"runs"}, {"stack", "clinic"}, {"far_ends"}, "runs"),
        ({"timeout"}, {"store", "stack"}, {"local_stack"}, "stack"),
        ({"parametrize"}, {"tmp_path"}, {"voicewright.suite"}, "alone"),
    ],
)
def test_marks_and_fixtures_make_a_group(marked: set[str], fixtures: set[str], imported: set[str], group: str) -> None:
    assert group_of(marked, fixtures, imported) == group


@pytest.mark.parametrize(
    ("marked", "fixtures", "imported", "why"),
    [
        ({"calls", "runs"}, {"stack"}, set(), "one group"),
        ({"calls"}, {"stack"}, set(), "mark it runs"),
        ({"runs"}, set(), set(), "mark it calls"),
        ({"alone"}, {"stack"}, set(), "never said"),
        (set(), {"stack"}, {"caller"}, "pytestmark"),
        (set(), set(), {"activities.call.conversation"}, "pytestmark"),
    ],
)
def test_a_test_that_forgets_its_group_is_refused(
    marked: set[str], fixtures: set[str], imported: set[str], why: str
) -> None:
    with pytest.raises(GroupError, match=why):
        group_of(marked, fixtures, imported)


def test_every_test_here_got_the_mark_of_one_group(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert sum(mark.name in GROUPS for mark in item.iter_markers()) == 1, item.nodeid


def test_make_runs_every_group_once_and_tries_nothing_twice() -> None:
    makefile = Path("Makefile").read_text()
    assert sorted(re.findall(r"^\t.*(?:PYTEST|QUIET)\) -m (\w+)", makefile, re.MULTILINE)) == sorted(GROUPS)
    assert "--last-failed" not in makefile
