"""What could not be recorded at once: tried again until the database is back, without holding up a case or a run."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.steps.record import RecordStep
    from voicewright.client.records import AGAIN, CATCH_UP
    from voicewright.contracts.records import RecordRequest
    from workflows import policies


@workflow.defn(name=CATCH_UP)
class CatchUpRecords:
    """Record a run with its cases, or a defect, as the object store has it."""

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
