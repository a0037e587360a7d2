"""How far people agree with each other, and the machine with people.

Cohen's kappa (Educational and Psychological Measurement 20, 1960) with its large-sample interval; Wilson's score
interval of a share (Journal of the American Statistical Association 22, 1927).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations, groupby
from math import sqrt
from statistics import NormalDist, median

from sqlalchemy import Engine, select

from voicewright.contracts.records import PROJECT
from voicewright.contracts.review import ReviewVerdict
from voicewright.contracts.verdict import Decision
from voicewright.records.database import reading
from voicewright.records.models import BlindReviewRow, CaseRow, CheckRow, OpinionRow, ReviewRow
from voicewright.records.rows import Found

Z = NormalDist().inv_cdf(0.975)
"""Of an interval of 95 %."""
MORE = 100
"""Further decisions of which a page says what they would buy."""
_MOST = 50_000
"""The newest opinions and blind reviews that are counted."""
_SAYS = {Decision.PASS: ReviewVerdict.PASS, Decision.FAIL: ReviewVerdict.FAIL}


def wilson(right: float, count: float) -> tuple[float, float]:
    """The interval of 95 % of a share; 0 to 1 if `count` is 0."""
    if not count:
        return 0.0, 1.0
    share = right / count
    middle = share + Z * Z / (2 * count)
    spread = Z * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    scale = 1 + Z * Z / count
    return (middle - spread) / scale, (middle + spread) / scale


@dataclass(frozen=True)
class Share:
    """How often two agree. `by` says what the cases have in common."""

    by: str
    right: int
    count: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.right / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95 %."""
        return wilson(self.right, self.count)

    @property
    def with_more(self) -> tuple[float, float]:
        """What the interval would be after `MORE` further decisions that agree as often as these."""
        return wilson(self.right + MORE * self.share, self.count + MORE)


@dataclass(frozen=True)
class Reviewer:
    """What one person decided. `median_s`: from request to opinion, in s; None where requests are not stored."""

    name: str
    opinions: int
    verdicts: dict[ReviewVerdict, int]
    median_s: int | None
    with_final: Share
    """How often the case was decided as this person said."""


@dataclass(frozen=True)
class Pair:
    """Two people who judged the same cases. `kappa` is None where chance alone would let them agree always."""

    one: str
    other: str
    both: Share
    kappa: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Agreement:
    """Everything about agreement. The machine's shares come from blind reviews alone; edge cases are left out."""

    machine: Share
    by_decision: list[Share] = field(default_factory=list)
    by_language: list[Share] = field(default_factory=list)
    by_check: list[Share] = field(default_factory=list)
    by_month: list[Share] = field(default_factory=list)
    edge_cases: int = 0
    reviewers: list[Reviewer] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)


def agreement(engine: Engine, days: int, project: str = PROJECT, now: datetime | None = None) -> Agreement:
    """Count the last so many days. Blocking.

    Raises:
        RecordsError: the database cannot be asked.
    """
    since = (now or datetime.now(UTC)) - timedelta(days=days)
    blind = (
        select(BlindReviewRow.case_id, BlindReviewRow.decided, BlindReviewRow.verdict, BlindReviewRow.decided_at)
        .add_columns(CaseRow.language)
        .join(CaseRow, CaseRow.id == BlindReviewRow.case_id)
        .where(BlindReviewRow.project == project, BlindReviewRow.decided_at >= since)
        .order_by(BlindReviewRow.decided_at.desc())
        .limit(_MOST)
    )
    opinions = (
        select(OpinionRow.case_id, OpinionRow.reviewer, OpinionRow.verdict, OpinionRow.given_at, OpinionRow.overrules)
        .add_columns(ReviewRow.asked_at, ReviewRow.verdict.label("final"))
        .join(ReviewRow, ReviewRow.case_id == OpinionRow.case_id)
        .where(OpinionRow.project == project, OpinionRow.given_at >= since)
        .order_by(OpinionRow.given_at.desc())
        .limit(_MOST)
    )
    sampled = select(BlindReviewRow.case_id).where(
        BlindReviewRow.project == project, BlindReviewRow.decided_at >= since
    )
    kinds = select(CheckRow.case_id, CheckRow.kind).distinct().where(CheckRow.case_id.in_(sampled))
    with reading(engine) as connection:
        samples = connection.execute(blind).all()
        checks: dict[int, list[str]] = {}
        for case_id, kind in connection.execute(kinds):
            checks.setdefault(case_id, []).append(kind)
        given = connection.execute(opinions).all()
    clear = [one for one in samples if one.verdict in {ReviewVerdict.PASS, ReviewVerdict.FAIL}]

    def by(common: Callable[[Found], Iterable[str]]) -> list[Share]:
        right, count = Counter[str](), Counter[str]()
        for one in clear:
            for name in common(one):
                count[name] += 1
                right[name] += _SAYS.get(Decision(one.decided)) == one.verdict
        return [Share(name, right[name], count[name]) for name in sorted(count)]

    return Agreement(
        machine=next(iter(by(lambda _: [""])), Share("", 0, 0)),
        by_decision=by(lambda one: [one.decided]),
        by_language=by(lambda one: [one.language]),
        by_check=by(lambda one: checks.get(one.case_id, [])),
        by_month=by(lambda one: [f"{one.decided_at:%Y-%m}"]),
        edge_cases=len(samples) - len(clear),
        reviewers=_reviewers(given),
        pairs=_pairs(given),
    )


def _reviewers(opinions: Sequence[Found]) -> list[Reviewer]:
    by_name = sorted(opinions, key=lambda one: one.reviewer)
    return [_reviewer(name, list(own)) for name, own in groupby(by_name, key=lambda one: one.reviewer)]


def _reviewer(name: str, own: list[Found]) -> Reviewer:
    waits = [(one.given_at - one.asked_at).total_seconds() for one in own if one.asked_at is not None]
    decided = [one for one in own if one.verdict != ReviewVerdict.SECOND_OPINION and one.final is not None]
    return Reviewer(
        name=name,
        opinions=len(own),
        verdicts={ReviewVerdict(verdict): count for verdict, count in Counter(one.verdict for one in own).items()},
        median_s=round(median(waits)) if waits else None,
        with_final=Share(name, sum(one.verdict == one.final for one in decided), len(decided)),
    )


def _pairs(opinions: Sequence[Found]) -> list[Pair]:
    said: dict[int, dict[str, str]] = {}
    for one in opinions:
        if one.verdict != ReviewVerdict.SECOND_OPINION and not one.overrules:
            said.setdefault(one.case_id, {})[one.reviewer] = one.verdict
    together: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for of_case in said.values():
        for names in combinations(sorted(of_case), 2):
            together.setdefault(names, []).append((of_case[names[0]], of_case[names[1]]))
    return [_pair(*names, verdicts) for names, verdicts in sorted(together.items())]


def _pair(one: str, other: str, verdicts: list[tuple[str, str]]) -> Pair:
    count = len(verdicts)
    same = sum(first == second for first, second in verdicts)
    first, second = (Counter(column) for column in zip(*verdicts, strict=True))
    chance = sum(first[verdict] * second[verdict] for verdict in first) / count**2
    both = Share(f"{one}, {other}", same, count)
    if chance == 1:
        return Pair(one, other, both, None, None)
    kappa = (both.share - chance) / (1 - chance)
    spread = Z * sqrt(both.share * (1 - both.share) / count) / (1 - chance)
    return Pair(one, other, both, kappa, (max(-1.0, kappa - spread), min(1.0, kappa + spread)))
