"""A workflow's commands, read from its history: what a replay must come to again, so that people can compare it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from temporalio.client import WorkflowHistory

Json = dict[str, Any]


def command_sequence(name: str, history: WorkflowHistory) -> list[str]:
    """Of the history of a run, `run-...`, or of a case."""
    return of_run(history) if name.startswith("run-") else of_case(history)


def of_all(name: str, parts: Sequence[WorkflowHistory]) -> list[str]:
    """Of executions that continue one another: on a busy machine the same work may take one more."""
    said = [line for part in parts[:-1] for line in command_sequence(name, part) if line != "continued as new"]
    return (
        list(dict.fromkeys([*said, *command_sequence(name, parts[-1])])) if said else command_sequence(name, parts[-1])
    )


def of_case(history: WorkflowHistory) -> list[str]:
    """All commands in order. What comes again at once, as reminders do, stands once: how often is up to the clock."""
    said: list[str] = []
    for line in commands(history):
        said.append(line)
        for size in (1, 2):
            if said[-size:] == said[-2 * size : -size]:
                del said[-size:]
    return said


def of_run(history: WorkflowHistory) -> list[str]:
    """Every command where it comes for the first time: how often and in which order cases report is chance.

    So is whether the run looks after a case that was slow to report, and when it waits for one.
    """
    chance = ("activity check_cases", "timer")
    return [line for line in dict.fromkeys(commands(history)) if not line.startswith(chance)]


def commands(history: WorkflowHistory) -> list[str]:
    """One a line, without what differs from run to run."""
    return [line for event in json.loads(history.to_json())["events"] if (line := _command(event)) is not None]


def _command(event: Json) -> str | None:
    kind = event["eventType"].removeprefix("EVENT_TYPE_").lower()
    told: Json = next((value for key, value in event.items() if key.endswith("EventAttributes")), {})
    say = COMMANDS.get(kind)
    return say(told) if say is not None else None


COMMANDS: dict[str, Callable[[Json], str]] = {
    "activity_task_scheduled": lambda told: f"activity {told['activityType']['name']} on {told['taskQueue']['name']}",
    "activity_task_cancel_requested": lambda _: "cancel an activity",
    "start_child_workflow_execution_initiated": lambda told: (
        f"child {told['workflowType']['name']}, {told['parentClosePolicy'].rpartition('_')[2].lower()}"
    ),
    "upsert_workflow_search_attributes": lambda told: (
        f"search attributes {', '.join(sorted(told['searchAttributes']['indexedFields']))}"
    ),
    "workflow_properties_modified": lambda told: f"memo {', '.join(sorted(told['upsertedMemo']['fields']))}",
    "signal_external_workflow_execution_initiated": lambda told: f"signal {told['signalName']}",
    "request_cancel_external_workflow_execution_initiated": lambda _: "cancel a case",
    "marker_recorded": lambda told: f"marker {told['markerName']}",
    "timer_started": lambda _: "timer",
    "workflow_execution_completed": lambda _: "completed",
    "workflow_execution_failed": lambda _: "failed",
    "workflow_execution_canceled": lambda _: "canceled",
    "workflow_execution_continued_as_new": lambda _: "continued as new",
}
"""How the events that follow from commands are told."""
