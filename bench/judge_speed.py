"""Measures the cost of the judge: CPU of one verdict with warm models, pairs per second in a batch, memory.

    python bench/judge_speed.py

The pairs are bookings with changing times, so that none is verbatim and every question is new. Across languages a word
costs most when it is first seen: measured once with words that recur, as in a suite, and once with new ones.
"""

import re
import resource
import time

from voicewright.judge import Condition, MeaningJudge, Pair
from voicewright.runtime.exit import leave

_SINGLE, _BATCH = 200, 2_000


def pairs(count: int) -> list[Pair]:
    """Make bookings, each answered in other words."""
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


def pairs_across(count: int, *, new_words: bool) -> list[Pair]:
    """Make English expectations with French answers."""
    answers = []
    for number in range(count):
        text = f"Votre rendez-vous numéro {number} chez le docteur Adams est mardi à {number % 9 + 8} heures"
        answers.append(re.sub(r"([a-zé]{4,})", rf"\g<1>{number}", text) if new_words else text)
    return [
        Pair(f"Booked with Doctor Adams on Tuesday at {number % 9 + 8}:00.", text, "", "fr", Condition.WRITTEN, "en")
        for number, text in enumerate(answers)
    ]


def cpu_of_one(judge: MeaningJudge, some: list[Pair]) -> float:
    """Seconds of CPU per verdict, one pair at a time."""
    began = time.process_time()
    for pair in some:
        judge.judge([pair])
    return (time.process_time() - began) / len(some)


def main() -> int:
    judge = MeaningJudge()
    judge.warm_up()
    single = cpu_of_one(judge, pairs(_SINGLE))
    wall, began = time.monotonic(), time.process_time()
    judge.judge(pairs(_BATCH))
    took, cpu = time.monotonic() - wall, time.process_time() - began
    print(f"one verdict: {single * 1000:.0f} ms of CPU")
    print(f"batch of {_BATCH}: {_BATCH / took:.0f} pairs a second, {cpu / _BATCH * 1000:.1f} ms of CPU each")
    judge.judge(pairs_across(1, new_words=False))
    known, new = (cpu_of_one(judge, pairs_across(_SINGLE, new_words=new)) for new in (False, True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"one verdict across languages: {known * 1000:.0f} ms of CPU; {new * 1000:.0f} ms when half the words are new"
    )
    print(f"peak memory of the process: {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    leave(main())
