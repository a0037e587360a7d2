"""The dashboard: how cases ended, how fast agents were, what waits for people; all of it counted from the records."""

import asyncio
import csv
import io
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from temporalio.service import RPCError

from api.guard.who import VIEW
from api.insight.chart import Line, chart
from api.pages import page
from api.services import Given, Services, records_of
from voicewright.client import ReviewFilter
from voicewright.records.figures import Figures, Scope, Tally

router = APIRouter()
_TEMPORAL_S = 5.0
DAYS = (7, 30, 90, 365)
_Text = Annotated[str, Query(max_length=250)]


def _scope(
    days: Annotated[int, Query(ge=1, le=3650)] = 30, suite: _Text = "", language: _Text = "", branch: _Text = ""
) -> Scope:
    return Scope(days, suite.strip(), language.strip(), branch.strip())


_Scope = Annotated[Scope, Depends(_scope)]


class TallyView(BaseModel):
    """How some cases ended. Rates are 0 to 1; null where nothing was judged."""

    by: str
    cases: int
    passed: int
    failed: int
    errored: int
    unreviewed: int
    pass_rate: float | None
    automatic: float | None
    ttfa_p50_ms: int | None
    ttfa_p95_ms: int | None

    @classmethod
    def of(cls, tally: Tally) -> "TallyView":
        """For programs."""
        derived = {"cases": tally.cases, "pass_rate": tally.pass_rate, "automatic": tally.automatic}
        return cls(**{**asdict(tally), **derived})


class FlakyView(BaseModel):
    """A case whose results change; `flakiness` is the share of results that differ from the one before."""

    suite: str
    name: str
    flakiness: float
    results: int


class Dashboard(BaseModel):
    """The figures of the dashboard. `backlog`: what waits for a person now; null where Temporal did not answer."""

    days: int
    runs: int
    whole: TallyView
    backlog: int | None
    oldest_wait_s: int | None
    by_day: list[TallyView]
    by_suite: list[TallyView]
    by_language: list[TallyView]
    by_branch: list[TallyView]
    flaky: list[FlakyView]
    cut: bool


@router.get("/api/v1/dashboard", dependencies=VIEW)
async def figures(given: Given, scope: _Scope) -> Dashboard:
    """What the dashboard shows, for programs."""
    found, (backlog, oldest_s) = await _found(given, scope)
    return Dashboard(
        days=scope.days,
        runs=found.runs,
        whole=TallyView.of(found.whole),
        backlog=backlog,
        oldest_wait_s=oldest_s,
        by_day=[TallyView.of(one) for one in found.days],
        by_suite=[TallyView.of(one) for one in found.suites],
        by_language=[TallyView.of(one) for one in found.languages],
        by_branch=[TallyView.of(one) for one in found.branches],
        flaky=[FlakyView(**asdict(one)) for one in found.flaky],
        cut=found.cut,
    )


@router.get("/dashboard", dependencies=VIEW, response_class=HTMLResponse)
async def dashboard(request: Request, given: Given, scope: _Scope) -> HTMLResponse:
    """The figures, as lines and tables."""
    (found, (backlog, oldest_s)), suites = await asyncio.gather(
        _found(given, scope), asyncio.to_thread(records_of(given).suites)
    )
    days = [one.by for one in found.days]
    rates = [Line("passed", "passed", [_percent(one.pass_rate) for one in found.days])]
    rates.append(Line("decided by the machine", "caller", [_percent(one.automatic) for one in found.days]))
    times = [Line("median", "caller", [one.ttfa_p50_ms for one in found.days])]
    times.append(Line("95th percentile", "agent", [one.ttfa_p95_ms for one in found.days]))
    charts = [
        chart("Passed and decided by the machine, of what was judged", days, rates, top=100, unit=" %"),
        chart("Time to first audio", days, times, unit=" ms"),
    ]
    return page(
        request,
        "dashboard.html",
        found=found,
        charts=[one for one in charts if one is not None],
        backlog=backlog,
        oldest_s=oldest_s,
        suites=suites,
        choices=DAYS,
        chosen=asdict(scope),
        query=str(request.url.query),
        groups=[
            ("suite", found.suites),
            ("language", found.languages),
            ("branch", found.branches),
            ("day", found.days[::-1]),
        ],
    )


@router.get("/dashboard.csv", dependencies=VIEW)
async def as_csv(given: Given, scope: _Scope) -> Response:
    """The tables of the dashboard, a line each."""
    found = await asyncio.to_thread(records_of(given).figures, scope)
    text = io.StringIO()
    writer = csv.writer(text)
    fields = list(TallyView.model_fields)
    writer.writerow(["group", *fields])
    groups = {"all": [found.whole], "day": found.days, "suite": found.suites, "language": found.languages}
    for name, tallies in {**groups, "branch": found.branches}.items():
        for one in tallies:
            view = TallyView.of(one).model_dump()
            writer.writerow([name, *(_cell(view[field]) for field in fields)])
    headers = {"Content-Disposition": 'attachment; filename="voicewright-dashboard.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> Any:  # noqa: ANN401 - of a table
    """A value as a spreadsheet may have it: text that begins like a formula is text."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return round(value, 4) if isinstance(value, float) else value


async def _found(given: Services, scope: Scope) -> tuple[Figures, tuple[int | None, int | None]]:
    return await asyncio.gather(asyncio.to_thread(records_of(given).figures, scope), _backlog(given, scope))


async def _backlog(given: Services, scope: Scope) -> tuple[int | None, int | None]:
    """How many cases wait for a person, and the longest of them how long, in s; None where Temporal does not answer."""
    wanted = ReviewFilter(suite=scope.suite, languages=(scope.language,) if scope.language else ())
    try:
        async with asyncio.timeout(_TEMPORAL_S):
            waiting = await given.voicewright.review_backlog(wanted)
            first = await given.voicewright.review_page(limit=1, wanted=wanted) if waiting else None
    except (RPCError, TimeoutError):
        return None, None
    if first is None or not first.entries:
        return waiting, None
    return waiting, round((datetime.now(UTC) - first.entries[0].since).total_seconds())


def _percent(share: float | None) -> float | None:
    return 100 * share if share is not None else None
