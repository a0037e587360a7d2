"""A worker takes as many calls as it can hold well, and no more."""

import asyncio
import subprocess
import sys
from unittest.mock import sentinel

import pytest

from activities.call.host.headroom import WINDOW_S, Headroom
from activities.call.host.slots import CallSlots


class Time:
    """A clock, and the processor time of a thread."""

    def __init__(self) -> None:
        self.now = 100.0
        self.spent = 0.0

    def pass_by(self, seconds: float, *, busy: float = 0.0) -> None:
        self.now += seconds
        self.spent += seconds * busy


@pytest.fixture
def passing() -> Time:
    return Time()


@pytest.fixture
def headroom(passing: Time) -> Headroom:
    return Headroom(lambda: passing.now, lambda: passing.spent)


def send(headroom: Headroom, passing: Time, seconds: float, *, late_s: float = 0.001, busy: float = 0.1) -> None:
    for _ in range(round(seconds / 0.02)):
        passing.pass_by(0.02, busy=busy)
        headroom.sent(late_s)


def test_it_knows_the_latest_frame_of_the_last_seconds(headroom: Headroom, passing: Time) -> None:
    assert headroom.late_s == 0
    send(headroom, passing, 1)
    headroom.sent(0.05)
    assert headroom.late_s == 0.05
    send(headroom, passing, 1)
    assert headroom.late_s == 0.05
    send(headroom, passing, WINDOW_S + 0.5)
    assert headroom.late_s == 0.001
    passing.pass_by(60)
    assert headroom.late_s == 0


@pytest.mark.parametrize("busy", [0.0, 0.3, 0.9])
def test_it_knows_how_busy_the_thread_is(headroom: Headroom, passing: Time, busy: float) -> None:
    assert headroom.busy == 0
    send(headroom, passing, 3, busy=1 - busy)
    send(headroom, passing, 3, busy=busy)
    assert headroom.busy == pytest.approx(busy, abs=0.01)
    passing.pass_by(60, busy=1)
    assert headroom.busy == 0


async def taken(slots: CallSlots, seconds: float) -> int:
    """How many it gives within a time."""
    count = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                await slots.reserve_slot(sentinel.context)
                count += 1
    except TimeoutError:
        return count


async def test_it_takes_as_many_as_it_may(headroom: Headroom) -> None:
    assert await taken(CallSlots(3, headroom), 1) == 3


async def test_a_call_that_is_over_makes_room(headroom: Headroom) -> None:
    slots = CallSlots(1, headroom)
    assert await taken(slots, 0.3) == 1
    slots.release_slot(sentinel.context)
    assert await taken(slots, 0.3) == 1


@pytest.mark.parametrize(("late_s", "busy"), [(0.03, 0.1), (0.001, 0.8)])
async def test_it_takes_one_where_there_is_no_time(
    headroom: Headroom, passing: Time, late_s: float, busy: float
) -> None:
    """One call is always held: a worker that took none would never know that its time has come."""
    send(headroom, passing, 3, late_s=late_s, busy=busy)
    assert await taken(CallSlots(10, headroom), 0.6) == 1


async def test_what_was_too_much_is_not_tried_at_once(headroom: Headroom, passing: Time) -> None:
    slots = CallSlots(4, headroom)
    assert await taken(slots, 1) == 4
    send(headroom, passing, 3, late_s=0.03)
    slots.release_slot(sentinel.context)
    assert await taken(slots, 0.2) == 0
    send(headroom, passing, 3)
    assert await taken(slots, 0.3) == 0
    assert await taken(slots, 1.5) == 1


def test_threads_that_send_come_first_where_that_is_allowed() -> None:
    """In a process of its own. What such a thread starts comes after it, and what computes is ordinary work."""
    code = (
        "import os\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from voicewright.runtime.priority import as_others, before_others, step_back\n"
        "def now():\n"
        "    return os.sched_getscheduler(0), os.sched_getparam(0).sched_priority\n"
        "def computing():\n"
        "    with as_others():\n"
        "        return now()\n"
        "ordinary = now()\n"
        "allowed = before_others(first=True)\n"
        "with ThreadPoolExecutor(1, initializer=step_back) as pool:\n"
        "    beside, within, after = (pool.submit(work).result() for work in (now, computing, now))\n"
        "expected = [(os.SCHED_RR, 2), (os.SCHED_RR, 1), ordinary, (os.SCHED_RR, 1)] if allowed else [ordinary] * 4\n"
        "print([now(), beside, within, after] == expected)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "True\n"
