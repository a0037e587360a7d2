"""For machines: is the app alive, and how many cases wait for a human?"""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from api.services import Given
from voicewright.defect import DefectStatus

router = APIRouter()


@router.get("/healthz")
async def health(given: Given) -> dict[str, str]:
    """Whether Temporal and the store answer."""
    await given.voicewright.review_backlog()
    await asyncio.to_thread(given.store.ensure_bucket)
    return {"status": "ok"}


@router.get("/metrics")
async def metrics(given: Given) -> Response:
    """Prometheus metrics of what no worker knows by itself."""
    registry = CollectorRegistry()
    backlog = Gauge("voicewright_review_backlog", "Cases that wait for a human.", registry=registry)
    backlog.set(await given.voicewright.review_backlog())
    defects = Gauge("voicewright_defects", "Defects by status.", ["status"], registry=registry)
    found = await asyncio.to_thread(given.defects.defects)
    for status in DefectStatus:
        defects.labels(status).set(sum(defect.status is status for defect in found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
