"""Have what was said in calls erased."""

import asyncio
import hashlib
from datetime import timedelta

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from voicewright.client.answers import ANSWER
from voicewright.client.errors import NotFoundError, UnansweredError
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.erasure import ErasureReceipt, ErasureRequest

ERASE = "Erase"
ERASE_DUE = "EraseDue"
"""Types of the workflows."""
_DONE = timedelta(seconds=15)
_NOTHING = "BadInputError"


async def erase(temporal: Client, request: ErasureRequest, within: timedelta | None = _DONE) -> ErasureReceipt:
    """Erase what was said in cases of a run that have ended. Asking again while it is being done is asking once.

    Args:
        temporal: the connection.
        request: which cases, and who wants it.
        within: how long to wait for the end; None for as long as it takes.

    Raises:
        NotFoundError: there is no such run, or no such case of it.
        UnansweredError: it takes longer; it goes on all the same.
    """
    digest = hashlib.sha256("\n".join(request.cases).encode()).hexdigest()[:12] if request.cases else "all"
    handle = await temporal.start_workflow(
        ERASE,
        request,
        id=f"erase/{request.run_id}/{digest}",
        task_queue=WORKFLOWS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        result_type=ErasureReceipt,
        rpc_timeout=ANSWER,
    )
    try:
        async with asyncio.timeout(within.total_seconds() if within is not None else None):
            receipt: ErasureReceipt = await handle.result()
    except TimeoutError:
        message = f"the run {request.run_id} is being erased; ask again to see the receipt"
        raise UnansweredError(message) from None
    except WorkflowFailureError as error:
        cause = error.cause.cause if isinstance(error.cause, ActivityError) else error.cause
        if isinstance(cause, ApplicationError) and cause.type == _NOTHING:
            raise NotFoundError(cause.message) from None
        raise
    return receipt
