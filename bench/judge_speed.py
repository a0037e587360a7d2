"""What the judge costs: CPU of one verdict once models are warm, pairs a second in a batch, memory.

    python bench/judge_speed.py

The pairs are the clinic's own expectations against themselves with other times and endings, so that none is said word
for word and every question is new.
"""

import resource
import time

from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition, Pair
from voicewright.leave import leave

_SINGLE, _BATCH = 200, 2_000


def pairs(count: int) -> list[Pair]:
    """Different bookings, answered in other words."""
    return [
        Pair(
            f"You are booked with Doctor Adams on Tuesday at {hour}:{minute:02d}. Is there anything else?",
            f"Your appointment number {number} with Doctor Adams is on Tuesday at {hour}:{minute:02d}. Anything else?",
            f"Please book {hour}:{minute:02d} for my visit {number}.",
            condition=Condition.RECOGNISED,
        )
        for number in range(count)
        for hour, minute in [(number % 9 + 8, number * 7 % 60)]
    ]


def main() -> int:
    judge = MeaningJudge()
    judge.warm_up()
    began = time.process_time()
    for pair in pairs(_SINGLE):
        judge.judge([pair])
    single = (time.process_time() - began) / _SINGLE
    wall, began = time.monotonic(), time.process_time()
    judge.judge(pairs(_BATCH))
    took, cpu = time.monotonic() - wall, time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"one verdict: {single * 1000:.0f} ms of CPU")
    print(f"batch of {_BATCH}: {_BATCH / took:.0f} pairs a second, {cpu / _BATCH * 1000:.1f} ms of CPU each")
    print(f"peak memory of the process: {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    leave(main())
