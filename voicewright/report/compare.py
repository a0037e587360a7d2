"""Two runs compared: what got worse, what got better, and what is only noise.

Outcomes of the same cases in both runs are paired: McNemar's exact test (McNemar, Psychometrika 12, 1947) on the cases
that changed sides. Times to first audio are not paired call by call: the Mann-Whitney U test (Annals of Mathematical
Statistics 18, 1947), normal approximation with correction for ties and continuity.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb, sqrt
from statistics import NormalDist, median

from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseResult, Outcome
from voicewright.report.latency import answer_times
from voicewright.report.results import RunReport

ALPHA = 0.05
"""A difference that chance alone would show more often than this is called noise."""
SLOWER_BY = 0.1
"""Share by which the median time to first audio must grow to matter, however sure the test is."""


class CaseChange(Contract):
    """A case, in one language, over all its repeats. Rates are passes per judged repeat, 0 to 1."""

    case: str
    language: str
    before: float
    after: float
    reason: str = ""
    """Why it fails now."""


class Latency(Contract):
    """Times to first audio of both runs, in ms. `p` is two-sided."""

    before_ms: int
    after_ms: int
    p: float
    slower: bool


class Comparison(Contract):
    """`after` against its baseline `before`."""

    before: str
    after: str
    compared: int
    """Cases that were judged in both."""
    worse: tuple[CaseChange, ...] = ()
    better: tuple[CaseChange, ...] = ()
    p: float = 1.0
    """McNemar's, two-sided: how often chance alone changes so many cases in one direction."""
    latency: Latency | None = None
    open_before: int = 0
    """Cases of the baseline without an outcome yet, except those in quarantine: they wait for a person or go on."""
    open_after: int = 0
    """The same of the run, without those in quarantine."""
    confidence_before: float | None = None
    confidence_after: float | None = None
    quarantined: tuple[str, ...] = ()
    """Ids of the cases that were in quarantine in `after`: whatever they do is no regression."""

    @property
    def regressed(self) -> bool:
        """What a gate on regressions stops: a case that passed before and fails now, or answers that got slower."""
        worse = any(one.case not in self.quarantined for one in self.worse)
        return worse or (self.latency is not None and self.latency.slower)


class CaseRate(Contract):
    """How reliably a case passes over its repeats."""

    case: str
    language: str
    passed: int
    judged: int
    pass_at: dict[int, float]
    """pass^k by k: the chance that k repeats, drawn from those held, all pass."""

    @property
    def flaky(self) -> bool:
        """Neither always nor never passed."""
        return 0 < self.passed < self.judged


def mcnemar(worse: int, better: int) -> float:
    """Two-sided exact p of McNemar's test from the two discordant counts."""
    total = worse + better
    tail = sum(comb(total, k) for k in range(min(worse, better) + 1))
    return min(1.0, float(2 * tail / 2**total))


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p of the Mann-Whitney U test; 1 where a sample is empty or all values are the same."""
    n, m = len(one), len(other)
    if not n or not m:
        return 1.0
    ranks = _ranks([*one, *other])
    u = sum(ranks[:n]) - n * (n + 1) / 2
    ties = sum(count**3 - count for count in Counter([*one, *other]).values())
    size = n + m
    variance = n * m / 12 * ((size + 1) - ties / (size * (size - 1))) if size > 1 else 0.0
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / sqrt(variance)
    return min(1.0, 2 * (1 - NormalDist().cdf(z)))


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank of each value from 1; equal values share their mean rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for index in order[at : end + 1]:
            ranks[index] = (at + end) / 2 + 1
        at = end + 1
    return ranks


def pass_at(passed: int, judged: int, k: int) -> float:
    """pass^k: the chance that k of the held repeats, drawn without putting back, all passed."""
    return comb(passed, k) / comb(judged, k) if judged >= k else 0.0


def case_rates(results: Iterable[CaseResult]) -> list[CaseRate]:
    """Passes per case and language; repeats that could not be judged count for nothing."""
    found: dict[tuple[str, str], list[bool]] = {}
    for result in results:
        held = found.setdefault((result.key.case, result.key.cell), [])
        if result.outcome in {Outcome.PASSED, Outcome.FAILED}:
            held.append(result.outcome is Outcome.PASSED)
    return [
        CaseRate(
            case=case,
            language=language,
            passed=sum(held),
            judged=len(held),
            pass_at={k: round(pass_at(sum(held), len(held), k), 3) for k in (1, 3, 5, 10) if k <= len(held)},
        )
        for (case, language), held in found.items()
    ]


def compare(
    before: RunReport, after: RunReport, *, times: tuple[Sequence[int], Sequence[int]] = ((), ())
) -> Comparison:
    """Compare a run with its baseline.

    Args:
        before: the baseline.
        after: the run.
        times: times to first audio in ms of both, see `first_audio_ms`.
    """
    old = {(rate.case, rate.language): rate for rate in case_rates(before.cases) if rate.judged}
    new = {(rate.case, rate.language): rate for rate in case_rates(after.cases) if rate.judged}
    reasons = {
        (result.key.case, result.key.cell): result.reason for result in after.cases if result.outcome is Outcome.FAILED
    }
    worse, better = [], []
    for key in old.keys() & new.keys():
        # A case passes a run when most of its repeats do: one slip of a flaky case is no regression.
        was, now = (rate.passed * 2 > rate.judged for rate in (old[key], new[key]))
        change = CaseChange(
            case=key[0],
            language=key[1],
            before=round(old[key].passed / old[key].judged, 3),
            after=round(new[key].passed / new[key].judged, 3),
            reason=reasons.get(key, ""),
        )
        if was and not now:
            worse.append(change)
        elif now and not was:
            better.append(change)
    return Comparison(
        before=before.run_id,
        after=after.run_id,
        compared=len(old.keys() & new.keys()),
        worse=tuple(sorted(worse, key=lambda one: one.case)),
        better=tuple(sorted(better, key=lambda one: one.case)),
        p=round(mcnemar(len(worse), len(better)), 4),
        latency=_latency(*times),
        open_before=_open(before),
        open_after=_open(after),
        confidence_before=_confidence(before.cases),
        confidence_after=_confidence(after.cases),
        quarantined=after.quarantined,
    )


def _open(report: RunReport) -> int:
    waiting = sum(case.key.case not in report.quarantined for case in report.pending)
    return 0 if report.finished else waiting + report.not_run


def first_audio_ms(calls: Iterable[CallRecord]) -> list[int]:
    """Every measured time to first audio of these calls, in ms; see `answer_times`."""
    return [ttfa_ms for call in calls for _, ttfa_ms in answer_times(call.turns)]


def _latency(before: Sequence[int], after: Sequence[int]) -> Latency | None:
    if not before or not after:
        return None
    was, now = median(before), median(after)
    p = mann_whitney(before, after)
    return Latency(
        before_ms=round(was), after_ms=round(now), p=round(p, 4), slower=p < ALPHA and now > was * (1 + SLOWER_BY)
    )


def _confidence(results: Iterable[CaseResult]) -> float | None:
    found = [result.verdict.confidence for result in results if result.verdict is not None]
    return round(median(found), 3) if found else None
