"""Which group a test belongs to: `make test` runs the groups beside one another, each as its work demands.

Whether a test needs the local stack is seen from its fixtures. Whether it holds calls is said by its module in
`pytestmark`, and a module that brings in the caller but does not say so is refused.
"""

from collections.abc import Collection

GROUPS = {
    "calls": "holds calls by itself or through a stand-in, on no stack: it keeps time, and waits most of it",
    "runs": "whole runs on the local stack, with calls in them",
    "stack": "needs the local stack, but holds no call",
    "alone": "needs no stack and holds no call",
    "extras": "needs an extra that set-up leaves out, as torch: `make extras`",
}
CALLERS = {"activities.call.conversation", "caller", "far_ends"}
"""Modules by which a test holds calls."""


class GroupError(Exception):
    """A test is in no group, or would be in several."""


def group_of(marked: Collection[str], fixtures: Collection[str], imported: Collection[str]) -> str:
    """The one group of a test with these marks and fixtures, whose module imported from these modules.

    Raises:
        GroupError: its marks contradict what it uses.
    """
    said = [name for name in GROUPS if name in marked]
    on_stack = "stack" in fixtures
    if len(said) > 1:
        raise GroupError(f"is marked {' and '.join(said)}: a test belongs to one group")
    if said == ["calls"] and on_stack:
        raise GroupError("is marked calls, but uses the fixture `stack`: mark it runs")
    if said == ["runs"] and not on_stack:
        raise GroupError("is marked runs, but does not use the fixture `stack`: mark it calls")
    if said and said[0] in {"stack", "alone"}:
        raise GroupError(f"is marked {said[0]}: that is found out by its fixtures, and never said")
    if not said and (used := CALLERS.intersection(imported)):
        raise GroupError(f"uses {', '.join(sorted(used))}: give its module `pytestmark = pytest.mark.calls`, or runs")
    return said[0] if said else "stack" if on_stack else "alone"
