"""The judge of meaning as the steps know it: what it lacks is a fault of this installation, which no retry mends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from activities.errors import InstallationError
from activities.ports.judging import MeaningJudge
from voicewright.judge.errors import ModelMissingError
from voicewright.judge.judge import MeaningJudge as Judge
from voicewright.judge.pair import Pair
from voicewright.judge.verdict import Judgement


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ModelMissingError as error:
        raise InstallationError(str(error)) from None


class InstalledJudge(MeaningJudge):
    """The library's judge. A model that is missing becomes an `InstallationError`."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    @property
    def name(self) -> str:
        """See `MeaningJudge`."""
        with _installed():
            return self._judge.name

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        """See `MeaningJudge`."""
        with _installed():
            return self._judge.judge(pairs, risk)

    def warm_up(self) -> None:
        """Load now instead of with the first verdict."""
        with _installed():
            self._judge.warm_up()
