"""What a dashboard shows: how cases ended and how fast agents were, over time and by what they have in common."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, Select, func, select

from voicewright.contracts.case import Outcome
from voicewright.contracts.records import PROJECT
from voicewright.records.database import reading
from voicewright.records.models import CaseRow, ReviewRow, RunRow, SuiteRow, TurnRow
from voicewright.records.pages import flakiness
from voicewright.records.rows import Found

MAX_CASES = 20_000
"""The newest cases that are counted: a page must not read more at once."""
_STEP_MS = 20
"""To which times to first audio are rounded down: a frame."""
_FLAKY_FROM = 3
"""Judged results below which no case is called flaky."""
_MOST_FLAKY = 10
_JUDGED = {Outcome.PASSED, Outcome.FAILED}
_NO_BRANCH = "(none)"


@dataclass(frozen=True)
class Scope:
    """Which cases are counted; empty fields mean any."""

    days: int = 30
    suite: str = ""
    language: str = ""
    branch: str = ""


@dataclass(frozen=True)
class Tally:
    """How some cases ended, and how fast the agent was. `by` says what they have in common."""

    by: str
    passed: int = 0
    failed: int = 0
    errored: int = 0
    unreviewed: int = 0
    by_people: int = 0
    """Of all that were judged, those that people decided."""
    ttfa_p50_ms: int | None = None
    ttfa_p95_ms: int | None = None

    @property
    def cases(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.errored + self.unreviewed

    @property
    def pass_rate(self) -> float | None:
        """Of those that were judged, 0 to 1; None where none was."""
        judged = self.passed + self.failed
        return self.passed / judged if judged else None

    @property
    def automatic(self) -> float | None:
        """The share of what was judged that the machine decided, 0 to 1; None where nothing was."""
        judged = self.passed + self.failed
        return 1 - self.by_people / judged if judged else None


@dataclass(frozen=True)
class FlakyCase:
    """A case whose results change. `flakiness` is the share of results that differ from the one before, 0 to 1."""

    suite: str
    name: str
    flakiness: float
    results: int


@dataclass(frozen=True)
class Figures:
    """A dashboard. `days` are in order, the oldest first, in UTC; a day without cases is left out."""

    scope: Scope
    runs: int
    whole: Tally
    days: list[Tally] = field(default_factory=list)
    suites: list[Tally] = field(default_factory=list)
    languages: list[Tally] = field(default_factory=list)
    branches: list[Tally] = field(default_factory=list)
    flaky: list[FlakyCase] = field(default_factory=list)
    cut: bool = False
    """Whether older cases were left out."""


class _Group(NamedTuple):
    """What cases are told apart by."""

    day: str
    suite: str
    branch: str
    language: str


_Ending = tuple[_Group, str, bool]
"""With an outcome, and whether a person was asked."""


def figures(engine: Engine, scope: Scope, project: str = PROJECT, now: datetime | None = None) -> Figures:
    """Count what ended within a scope. Blocking.

    Args:
        engine: the database.
        scope: which cases.
        project: of which project.
        now: until when; the present moment by default.

    Raises:
        RecordsError: the database cannot be asked.
    """
    since = (now or datetime.now(UTC)) - timedelta(days=scope.days)
    started = select(RunRow.id, RunRow.started_at, RunRow.branch, SuiteRow.name.label("suite")).select_from(RunRow)
    ended = (
        select(
            CaseRow.run_id,
            CaseRow.case,
            CaseRow.language,
            CaseRow.profile,
            CaseRow.outcome,
            ReviewRow.case_id.is_not(None).label("asked"),
        )
        .select_from(RunRow)
        .join(CaseRow, CaseRow.run_id == RunRow.id)
        .outerjoin(ReviewRow, ReviewRow.case_id == CaseRow.id)
    )
    rounded = TurnRow.ttfa_ms // _STEP_MS
    answered = (
        select(CaseRow.run_id, CaseRow.language, rounded.label("frames"), func.count().label("answers"))
        .select_from(RunRow)
        .join(CaseRow, CaseRow.run_id == RunRow.id)
        .join(TurnRow, TurnRow.case_id == CaseRow.id)
        .where(TurnRow.ttfa_ms.is_not(None))
        .group_by(CaseRow.run_id, CaseRow.language, rounded)
    )
    newest = ended.where(CaseRow.outcome.is_not(None)).order_by(RunRow.started_at.desc(), RunRow.run_id.desc())
    with reading(engine) as connection:
        cases = connection.execute(_within(_spoken(newest, scope), scope, project, since).limit(MAX_CASES + 1)).all()
        runs = {run.id: run for run in connection.execute(_within(started, scope, project, since))}
        cases = [case for case in cases if case.run_id in runs]  # one may be removed meanwhile
        if len(cases) > MAX_CASES:
            since = runs[cases[MAX_CASES - 1].run_id].started_at
        answers = connection.execute(_within(_spoken(answered, scope), scope, project, since)).all()
    kept = cases[:MAX_CASES]
    groups = {
        (run, language): _Group(
            runs[run].started_at.date().isoformat(), runs[run].suite, runs[run].branch or _NO_BRANCH, language
        )
        for run, language in {(case.run_id, case.language) for case in kept}
    }
    endings: Counter[_Ending] = Counter()
    for (run, language, outcome, asked), count in Counter(
        (case.run_id, case.language, case.outcome, bool(case.asked)) for case in kept
    ).items():
        endings[groups[run, language], outcome, asked] += count
    times: dict[_Group, Counter[int]] = {group: Counter() for group in groups.values()}
    for found in answers:
        if (group := groups.get((found.run_id, found.language))) is not None:
            times[group][int(found.frames) * _STEP_MS] += found.answers

    def by(common: Callable[[_Group], str]) -> list[Tally]:
        return _grouped(common, endings, times)

    return Figures(
        scope=scope,
        runs=len({case.run_id for case in kept}),
        whole=next(iter(by(lambda _: "")), Tally("")),
        days=by(lambda group: group.day),
        suites=by(lambda group: group.suite),
        languages=by(lambda group: group.language),
        branches=by(lambda group: group.branch),
        flaky=_flaky(runs, kept),
        cut=len(cases) > MAX_CASES,
    )


def _within(
    wanted: Select[*tuple[object, ...]], scope: Scope, project: str, since: datetime
) -> Select[*tuple[object, ...]]:
    """What runs have to be like."""
    wanted = wanted.join(SuiteRow, SuiteRow.id == RunRow.suite_id)
    wanted = wanted.where(RunRow.project == project, RunRow.started_at >= since)
    if scope.suite:
        wanted = wanted.where(SuiteRow.name == scope.suite)
    if scope.branch:
        wanted = wanted.where(RunRow.branch == ("" if scope.branch == _NO_BRANCH else scope.branch))
    return wanted


def _spoken(wanted: Select[*tuple[object, ...]], scope: Scope) -> Select[*tuple[object, ...]]:
    return wanted.where(CaseRow.language == scope.language) if scope.language else wanted


def _grouped(
    common: Callable[[_Group], str], endings: Mapping[_Ending, int], times: Mapping[_Group, Counter[int]]
) -> list[Tally]:
    ended: dict[str, Counter[str]] = {}
    people: Counter[str] = Counter()
    for (group, outcome, asked), count in endings.items():
        name = common(group)
        ended.setdefault(name, Counter())[outcome] += count
        if asked and outcome in _JUDGED:
            people[name] += count
    fast: dict[str, Counter[int]] = {}
    for group, counts in times.items():
        fast.setdefault(common(group), Counter()).update(counts)
    return [
        Tally(
            by=name,
            **{str(outcome): ended[name][outcome] for outcome in Outcome},
            by_people=people[name],
            ttfa_p50_ms=percentile(fast.get(name, Counter()), 50),
            ttfa_p95_ms=percentile(fast.get(name, Counter()), 95),
        )
        for name in sorted(ended)
    ]


def percentile(counts: Counter[int], percent: int) -> int | None:
    """The nearest-rank percentile of counted values; None of none."""
    rank = -(-counts.total() * percent // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    return None


def _flaky(runs: Mapping[int, Found], cases: Sequence[Found]) -> list[FlakyCase]:
    judged: dict[tuple[str, str], list[Outcome]] = {}
    for case in reversed(cases):
        if case.outcome in _JUDGED:
            cell = f"{case.language}+{case.profile}" if case.profile else case.language
            judged.setdefault((runs[case.run_id].suite, f"{case.case} {cell}"), []).append(Outcome(case.outcome))
    found = [
        FlakyCase(suite, name, share, len(results))
        for (suite, name), results in judged.items()
        if len(results) >= _FLAKY_FROM and (share := flakiness(results))
    ]
    return sorted(found, key=lambda one: (-one.flakiness, -one.results, one.suite, one.name))[:_MOST_FLAKY]
