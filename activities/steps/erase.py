"""Erasing what was said in calls: on request, and when an installation's time for keeping it is over."""

import asyncio
from collections.abc import Iterable

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.errors import BadInputError
from activities.heartbeat import heartbeats
from activities.ports.recording import NoRecords, Recording
from voicewright.contracts.blind import BLIND
from voicewright.contracts.erasure import DueErasures, ErasureReceipt, ErasureRequest
from voicewright.erasure.cases import Eraser, NothingToEraseError
from voicewright.erasure.due import due
from voicewright.store.port import ObjectStore

BY_TIME = "retention"
"""Who erases where nobody asked."""


class EraseStep:
    """Erases, and has the records and Temporal follow.

    Args:
        store: where calls are kept.
        eraser: what erases there.
        temporal: what its histories hold of these cases, as reviewers' notes, goes too.
        days: for how long an installation keeps what was said; None for ever.
        records: hear of what changed.
    """

    def __init__(
        self,
        store: ObjectStore,
        eraser: Eraser,
        temporal: Client,
        days: int | None = None,
        records: Recording | None = None,
    ) -> None:
        self._store = store
        self._eraser = eraser
        self._temporal = temporal
        self._days = days
        self._records = records or NoRecords()

    @activity.defn(name="erase")
    async def erase(self, request: ErasureRequest) -> ErasureReceipt:
        """Erase what was said in cases of one run that have ended.

        Raises:
            BadInputError: there is no such run, or no such case of it.
        """
        async with heartbeats(lambda: "erasing"):
            return await self._erase(request)

    @activity.defn(name="erase_due")
    async def erase_due(self) -> DueErasures:
        """Erase whatever is older than this installation keeps it."""
        runs = cases = 0
        if self._days is None:
            return DueErasures(runs=0, cases=0)
        async with heartbeats(lambda: f"{cases} cases of {runs} runs"):
            for run_id, old in await asyncio.to_thread(self._due, self._days):
                why = f"older than {self._days} days"
                try:
                    await self._erase(ErasureRequest(run_id=run_id, cases=tuple(old), by=BY_TIME, reason=why))
                except ValueError as error:  # one that cannot be read must not keep all others
                    activity.logger.error("run %s cannot be erased: %s", run_id, error)
                    continue
                runs, cases = runs + 1, cases + len(old)
        return DueErasures(runs=runs, cases=cases)

    def _due(self, days: int) -> list[tuple[str, list[str]]]:
        def unreadable(folder: str) -> None:
            activity.logger.error(
                "%s/result.json cannot be read: remove the folder by hand when its time is over", folder
            )

        return list(due(self._store, days, unreadable=unreadable))

    async def _erase(self, request: ErasureRequest) -> ErasureReceipt:
        try:
            receipt, keys = await asyncio.to_thread(self._eraser.erase, request)
        except NothingToEraseError as error:
            raise BadInputError(str(error)) from None
        for key in keys:
            await self._records.case(request.run_id, key)
        await self._records.defects(receipt.defects)
        await self._forget(receipt.cases)
        await asyncio.to_thread(self._eraser.confirm, receipt, keys)
        return receipt

    async def _forget(self, cases: Iterable[str]) -> None:
        """Remove the histories of these cases from Temporal: people's notes stand there."""
        for workflow_id in cases:
            for one in (workflow_id, BLIND + workflow_id):
                quoted = one.replace("'", "''")
                async for found in self._temporal.list_workflows(f"WorkflowId = '{quoted}'"):
                    if found.status is WorkflowExecutionStatus.RUNNING:
                        handle = self._temporal.get_workflow_handle(one, run_id=found.run_id)
                        await handle.terminate("what was said in this case was erased")
                    await self._delete(one, found.run_id)

    async def _delete(self, workflow_id: str, run_id: str) -> None:
        execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        wanted = DeleteWorkflowExecutionRequest(namespace=self._temporal.namespace, workflow_execution=execution)
        try:
            await self._temporal.workflow_service.delete_workflow_execution(wanted)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
