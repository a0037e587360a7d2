"""A run as it goes on, told to browsers by server-sent events. However many look at it, it is asked once a second."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from temporalio.service import RPCError

from api.guard.who import VIEW
from api.services import Given
from voicewright.client import NotFoundError, RunFailedError, UnansweredError, Voicewright
from voicewright.contracts.base import Contract
from voicewright.contracts.case import Outcome

router = APIRouter()
_log = logging.getLogger("voicewright.web")
_EVERY_S = 1.0
_AWAY_S = 5.0
"""After Temporal or a worker did not answer."""
MAX_VIEWERS = 250
"""In one process; further pages stay as they were loaded."""


class Live(Contract):
    """How far a run is."""

    total: int
    running: int
    counts: dict[Outcome, int]
    reviewing: int
    finished: bool


@dataclass
class Watched:
    """A run that somebody looks at."""

    viewers: int = 0
    now: Live | None = None
    over: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    asking: asyncio.Task[None] | None = None


class Watch:
    """The runs that somebody looks at, in one process."""

    def __init__(self) -> None:
        self._runs: dict[str, Watched] = {}
        self._viewers = 0

    @property
    def full(self) -> bool:
        """Whether nobody else can be told."""
        return self._viewers >= MAX_VIEWERS

    async def follow(self, voicewright: Voicewright, run_id: str) -> AsyncIterator[Live]:
        """How far the run is now, and whenever that changes, until it has ended or is known no more."""
        run = self._runs.setdefault(run_id, Watched())
        if run.asking is None:
            run.asking = asyncio.create_task(self._ask(voicewright, run_id, run))
        run.viewers += 1
        self._viewers += 1
        told: Live | None = None
        try:
            while True:
                async with run.changed:
                    while not run.over and run.now == told:
                        await run.changed.wait()
                if run.now is not None and run.now != told:
                    told = run.now
                    yield told
                elif run.over:
                    return
        finally:
            run.viewers -= 1
            self._viewers -= 1
            if not run.viewers and run.asking is not None:
                run.asking.cancel()
                if self._runs.get(run_id) is run:
                    del self._runs[run_id]

    async def _ask(self, voicewright: Voicewright, run_id: str, run: Watched) -> None:
        while not run.over:
            pause = _EVERY_S
            try:
                progress = await voicewright.standing(run_id)
            except (NotFoundError, RunFailedError):
                run.over = True
            except (UnansweredError, RPCError):
                pause = _AWAY_S
            except Exception:  # noqa: BLE001 - its viewers must not wait for ever
                _log.exception("%s cannot be followed", run_id)
                run.over = True
            else:
                run.now = Live(
                    total=progress.total,
                    running=progress.running,
                    counts=progress.counts,
                    reviewing=progress.reviewing_total,
                    finished=progress.finished,
                )
                run.over = progress.finished
            async with run.changed:
                run.changed.notify_all()
            await asyncio.sleep(pause)


def _watch(request: Request) -> Watch:
    watch = request.app.state.watch
    assert isinstance(watch, Watch)
    if watch.full:
        raise HTTPException(503, "too many people are following runs: reload the page for the current state")
    return watch


@router.get("/live/{run_id:path}", dependencies=VIEW, response_class=EventSourceResponse)
async def follow(run_id: str, given: Given, watch: Annotated[Watch, Depends(_watch)]) -> AsyncIterator[ServerSentEvent]:
    """Events `progress` while the run goes on, then one `over`."""
    async for now in watch.follow(given.voicewright, run_id):
        yield ServerSentEvent(event="progress", data=now.model_dump(mode="json"))
    yield ServerSentEvent(event="over", data={})
