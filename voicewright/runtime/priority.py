"""Processes that must be on time."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)


def before_others(*, first: bool = False) -> bool:
    """Let the calling thread, and the threads that it starts, run before the ordinary work of the machine.

    By SCHED_RR (`sched(7)`), which Linux allows to root, with CAP_SYS_NICE, or within RLIMIT_RTPRIO; elsewhere nothing
    changes. It takes all threads of a process: one that the system keeps waiting while it holds Python's lock keeps
    the others waiting too. Processes inherit it, unless they call `as_others`.

    Args:
        first: before the other threads of this kind, too.

    Returns:
        Whether the system allowed it.
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR) + first))
    except OSError as error:
        _log.info("frames are sent without real-time priority (%s); docs/deploying.md says how to allow it", error)
        return False
    return True


def step_back() -> None:
    """Let a thread that was started by the first one not compete with it."""
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_RR:
        before_others()


@contextmanager
def as_others() -> Iterator[None]:
    """Let the calling thread, and the threads that it starts meanwhile, run as ordinary work does: what computes."""
    if sys.platform != "linux":
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        yield
    finally:
        try:
            os.sched_setscheduler(0, policy, parameter)
        except OSError:  # what was given away is not given back
            _log.info("a thread goes on without real-time priority")
