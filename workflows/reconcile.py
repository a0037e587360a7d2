"""What people did in the outside tracker, brought home: started by a Temporal schedule."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.steps.defects import DefectStep
    from voicewright.contracts.steps import SettledDefects
    from workflows import policies


@workflow.defn(name="ReconcileDefects")
class ReconcileDefects:
    """Compare every defect with its issue."""

    @workflow.run
    async def run(self) -> SettledDefects:
        """Returns what changed, here or there."""
        return await workflow.execute_activity_method(DefectStep.reconcile_defects, **policies.RECONCILE)
