"""What happens beside runs, durably: schedules start these, or a person or a step that could not finish its work."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.steps.defects import DefectStep
    from activities.steps.erase import EraseStep
    from activities.steps.notify import RemindStep
    from activities.steps.record import RecordStep
    from voicewright.client.erasing import ERASE, ERASE_DUE
    from voicewright.client.records import AGAIN, CATCH_UP
    from voicewright.contracts.erasure import DueErasures, ErasureReceipt, ErasureRequest
    from voicewright.contracts.records import RecordRequest
    from voicewright.contracts.steps import ReviewDigest, SettledDefects
    from workflows import policies


@workflow.defn(name="ReconcileDefects")
class ReconcileDefects:
    """Compare every defect with its issue: what people did in the outside tracker is brought home."""

    @workflow.run
    async def run(self) -> SettledDefects:
        """Returns what changed, here or there."""
        return await workflow.execute_activity_method(DefectStep.reconcile_defects, **policies.RECONCILE)


@workflow.defn(name="RemindReviewers")
class RemindReviewers:
    """Tell Slack and the webhook of cases that have waited for people for too long."""

    @workflow.run
    async def run(self) -> ReviewDigest | None:
        """Returns what was told; None where nothing was."""
        return await workflow.execute_activity_method(RemindStep.remind_reviewers, **policies.REMIND)


@workflow.defn(name=ERASE)
class Erase:
    """Erase what was said in cases of one run, on request, whatever stops meanwhile."""

    @workflow.run
    async def run(self, request: ErasureRequest) -> ErasureReceipt:
        """Returns what was erased."""
        return await workflow.execute_activity_method(EraseStep.erase, request, **policies.ERASE)


@workflow.defn(name=ERASE_DUE)
class EraseDue:
    """Erase what is older than it is kept."""

    @workflow.run
    async def run(self) -> DueErasures:
        """Returns of how much."""
        return await workflow.execute_activity_method(EraseStep.erase_due, **policies.ERASE)


@workflow.defn(name=CATCH_UP)
class CatchUpRecords:
    """Record a run with its cases, or a defect, as the object store has it: no case or run waits for the database."""

    def __init__(self) -> None:
        self._news = True

    @workflow.run
    async def run(self, request: RecordRequest) -> None:
        """Whatever is stored while it is being recorded is recorded too: who stored it has sent the signal."""
        while self._news:
            self._news = False
            try:
                await workflow.execute_activity_method(RecordStep.catch_up_records, request, **policies.CATCH_UP)
            except ActivityError as error:
                workflow.logger.error("given up: `voicewright records rebuild` makes up for it (%s)", error.cause)

    @workflow.signal(name=AGAIN)
    def again(self) -> None:
        """There is something new."""
        self._news = True
