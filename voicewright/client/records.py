"""What is to be recorded later: Temporal keeps it until the database is back."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.records import RecordRequest

CATCH_UP = "CatchUpRecords"
"""Type of the workflow."""
AGAIN = "again"
"""Its signal: there is something new to record of the same run or defect."""


async def record_later(temporal: Client, request: RecordRequest) -> None:
    """Have something recorded, now or when the database is back. Asking again while it waits is asking once.

    Raises:
        RPCError: Temporal does not take it.
    """
    await temporal.start_workflow(
        CATCH_UP,
        request,
        id=request.workflow_id,
        task_queue=WORKFLOWS,
        start_signal=AGAIN,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
