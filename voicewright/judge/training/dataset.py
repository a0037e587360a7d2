"""What a model is fitted on: labelled pairs that were read, with weights, groups and domains."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.labelled import LabelledPair
from voicewright.judge.model.reading import Reading, read
from voicewright.judge.pair import Condition

_RECOGNISED_WEIGHT = 2.0
"""Recognised pairs are few, and calls are judged by what they teach."""
_REPORT_EVERY = 2000


@dataclass(frozen=True)
class Dataset:
    """Labelled pairs for one model; all arrays have shape (n,).

    Pairs of one group are never split between fitting and measuring. `domains` are held out one by one to find how far
    away a new domain is.
    """

    readings: list[Reading]
    passed: NDArray[np.bool_]
    weight: NDArray[np.float64]
    groups: NDArray[np.str_]
    domains: NDArray[np.str_]

    @classmethod
    def of(
        cls, lines: Sequence[LabelledPair], condition: Condition, progress: Callable[[str], None] = print
    ) -> "Dataset":
        """Read labelled lines. `condition` is used for lines that have none; `progress` gets a line now and then."""
        readings = []
        for number, line in enumerate(lines, 1):
            readings.append(read(line.pair(condition)))
            if number % _REPORT_EVERY == 0:
                progress(f"{number} of {len(lines)} pairs read")
        recognised = [reading.pair.condition is Condition.RECOGNISED for reading in readings]
        return cls(
            readings,
            np.array([line.passed for line in lines], bool),
            np.where(recognised, _RECOGNISED_WEIGHT, 1.0),
            np.array([line.group or str(line.number) for line in lines]),
            np.array([line.domain or line.source or "-" for line in lines]),
        )
