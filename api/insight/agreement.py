"""How far people and the machine agree: from this a team sees whether it may trust the machine."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from api.guard.who import VIEW
from api.insight.dashboard import DAYS
from api.pages import page
from api.services import Given, records_of
from voicewright.contracts.review import ReviewVerdict
from voicewright.records.agreement import MORE, Share

router = APIRouter()
_Days = Annotated[int, Query(ge=1, le=3650)]


class ShareView(BaseModel):
    """How often two agree, with its interval of 95 %."""

    by: str
    right: int
    count: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, share: Share) -> "ShareView":
        """For programs."""
        low, high = share.interval
        return cls(by=share.by, right=share.right, count=share.count, share=share.share, low=low, high=high)


class ReviewerView(BaseModel):
    """What one person decided. `median_s`: from the request to the opinion, in s."""

    name: str
    opinions: int
    verdicts: dict[ReviewVerdict, int]
    median_s: int | None
    with_final: ShareView


class PairView(BaseModel):
    """Two people who judged the same cases. `kappa` is Cohen's, with its interval of 95 %."""

    one: str
    other: str
    both: ShareView
    kappa: float | None
    low: float | None
    high: float | None


class AgreementView(BaseModel):
    """The machine against people, by blind reviews; people against each other."""

    machine: ShareView
    by_decision: list[ShareView]
    by_language: list[ShareView]
    by_check: list[ShareView]
    by_month: list[ShareView]
    edge_cases: int
    reviewers: list[ReviewerView]
    pairs: list[PairView]


@router.get("/api/v1/agreement", dependencies=VIEW)
async def agreement(given: Given, days: _Days = 365) -> AgreementView:
    """How far people agree with each other, and the machine with people."""
    found = await asyncio.to_thread(records_of(given).agreement, days)
    return AgreementView(
        machine=ShareView.of(found.machine),
        by_decision=[ShareView.of(one) for one in found.by_decision],
        by_language=[ShareView.of(one) for one in found.by_language],
        by_check=[ShareView.of(one) for one in found.by_check],
        by_month=[ShareView.of(one) for one in found.by_month],
        edge_cases=found.edge_cases,
        reviewers=[
            ReviewerView(
                name=one.name,
                opinions=one.opinions,
                verdicts=one.verdicts,
                median_s=one.median_s,
                with_final=ShareView.of(one.with_final),
            )
            for one in found.reviewers
        ],
        pairs=[
            PairView(
                one=pair.one,
                other=pair.other,
                both=ShareView.of(pair.both),
                kappa=pair.kappa,
                low=pair.interval[0] if pair.interval is not None else None,
                high=pair.interval[1] if pair.interval is not None else None,
            )
            for pair in found.pairs
        ],
    )


@router.get("/agreement", dependencies=VIEW, response_class=HTMLResponse)
async def agreement_page(request: Request, given: Given, days: _Days = 365) -> HTMLResponse:
    """The same as tables."""
    found = await asyncio.to_thread(records_of(given).agreement, days)
    groups = [
        ("decision", found.by_decision),
        ("language", found.by_language),
        ("check", found.by_check),
        ("month", found.by_month),
    ]
    return page(
        request,
        "agreement.html",
        found=found,
        groups=groups,
        days=days,
        choices=DAYS,
        more=MORE,
        verdicts=list(ReviewVerdict),
    )
