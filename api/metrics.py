"""For machines: is the app alive, and how many cases wait for a human?"""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from temporalio.service import RPCError

from api.services import Given
from voicewright.defects.record import DefectStatus
from voicewright.store.errors import StoreError

router = APIRouter()


_ANSWER_S = 4.0
"""Less than who asks for health waits: compose's check gives 8 s."""
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="health")
"""Of its own: pages that wait for a store that hangs must not keep health from answering."""


@router.get("/healthz")
async def health(given: Given) -> Response:
    """Whether Temporal and the store answer; 503 with the servers that do not."""
    asked = {
        "temporal": given.voicewright.review_backlog(),
        "store": asyncio.get_running_loop().run_in_executor(_THREADS, given.store.ensure_bucket),
    }
    told = await asyncio.gather(*(_trouble(answer) for answer in asked.values()))
    troubles = {server: trouble for server, trouble in zip(asked, told, strict=True) if trouble}
    if troubles:
        return JSONResponse({"status": "unwell", **troubles}, status_code=503)
    return JSONResponse({"status": "ok"})


async def _trouble(answer: Awaitable[object]) -> str:
    """Why a server is of no use now; empty where it answers."""
    try:
        await asyncio.wait_for(answer, _ANSWER_S)
    except TimeoutError:
        return f"no answer within {_ANSWER_S:.0f} s"
    except (RPCError, StoreError) as error:
        return str(error)
    return ""


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
