"""Reminding people of cases that have waited for them for too long: started by a Temporal schedule."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.steps.notify import RemindStep
    from voicewright.contracts.steps import ReviewDigest
    from workflows import policies


@workflow.defn(name="RemindReviewers")
class RemindReviewers:
    """Tell Slack and the webhook."""

    @workflow.run
    async def run(self) -> ReviewDigest | None:
        """Returns what was told; None where nothing was."""
        return await workflow.execute_activity_method(RemindStep.remind_reviewers, **policies.REMIND)
