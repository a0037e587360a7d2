"""Workflows that no query leads astray.

A query that no longer reaches a worker that died goes to another one, with all events so far. temporalio 1.35 applies
even those that no workflow task has taken up yet, and keeps the workflow in its cache: a timer that fired is acted on
before signals that came soon after it. A later replay gets both in one workflow task, signals first, takes the other
branch, and the run can never be read again. So an instance that has read
ahead refuses the next workflow task that brings more: Temporal gives that task again, and a new instance does it from
the history, as every replay will. Where the task brings nothing more, what was done ahead is what a replay does too.
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker._command_aware_visitor import CommandInfo
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class QuerySafeRunner(SandboxedWorkflowRunner):
    """The sandbox, with instances that know when a query made them read ahead."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `WorkflowRunner`."""
        return _QuerySafe(super().create_instance(det))


class _QuerySafe(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self._seen: WorkflowActivation | None = None
        self._ahead = False

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """See `WorkflowInstance`."""
        if not any(_advances(job) for job in act.jobs):
            return self._instance.activate(act)
        if self._is_early(act):
            self._ahead = True
        elif self._ahead:
            done = WorkflowActivationCompletion(run_id=act.run_id)
            done.failed.failure.message = "a query had read ahead: this task is done again from the history"
            return done
        self._seen = WorkflowActivation(
            timestamp=act.timestamp, history_length=act.history_length, history_size_bytes=act.history_size_bytes
        )
        return self._instance.activate(act)

    def _is_early(self, act: WorkflowActivation) -> bool:
        """More events, but no workflow task since: one would have brought its own time and size of the history."""
        seen = self._seen
        return (
            seen is not None
            and not act.is_replaying
            and act.history_length > seen.history_length
            and act.history_size_bytes == seen.history_size_bytes > 0
            and act.timestamp == seen.timestamp
        )

    def get_serialization_context(self, command_info: CommandInfo | None) -> SerializationContext | None:
        """See `WorkflowInstance`."""
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: CommandInfo | None) -> Any:  # noqa: ANN401 - its type is private
        """See `WorkflowInstance`."""
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """See `WorkflowInstance`."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """See `WorkflowInstance`."""
        return self._instance.get_thread_id()


def _advances(job: Any) -> bool:  # noqa: ANN401 - a protobuf message
    return job.WhichOneof("variant") not in {"query_workflow", "remove_from_cache"}
