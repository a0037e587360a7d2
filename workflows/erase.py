"""Erasing what was said in calls, so that it is done whatever stops meanwhile."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.steps.erase import EraseStep
    from voicewright.client.erasing import ERASE, ERASE_DUE
    from voicewright.contracts.erasure import DueErasures, ErasureReceipt, ErasureRequest
    from workflows import policies


@workflow.defn(name=ERASE)
class Erase:
    """Erase cases of one run, on request."""

    @workflow.run
    async def run(self, request: ErasureRequest) -> ErasureReceipt:
        """Returns what was erased."""
        return await workflow.execute_activity_method(EraseStep.erase, request, **policies.ERASE)


@workflow.defn(name=ERASE_DUE)
class EraseDue:
    """Erase what is older than it is kept: started by a Temporal schedule."""

    @workflow.run
    async def run(self) -> DueErasures:
        """Returns of how much."""
        return await workflow.execute_activity_method(EraseStep.erase_due, **policies.ERASE)
