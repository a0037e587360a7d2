"""Recorded histories must replay against today's workflows: those of this version, and of every release in `released/`.

A failure means that runs which are in flight when this version is deployed would break. Guard the change with
`workflow.patched("what-changed")`; docs/upgrading.md says how, and when a guard and the histories that want it may go.
"""

import json
from pathlib import Path

import pytest
from paths import paths
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workers.build import SANDBOX
from workflows.case import VoiceTestCase
from workflows.run import VoiceTestRun

ROOT = Path(__file__).parent
HISTORIES = sorted((ROOT / "histories").glob("*.json"))
RELEASED = sorted((ROOT / "released").glob("*/*.json"))


@pytest.mark.parametrize("path", [*HISTORIES, *RELEASED], ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=[VoiceTestRun, VoiceTestCase], workflow_runner=SANDBOX, data_converter=pydantic_data_converter
    )
    text = path.read_text()
    workflow_id = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    await replayer.replay_workflow(WorkflowHistory.from_json(workflow_id, text))


def test_of_every_release_a_run_and_a_case_of_each_outcome_are_kept() -> None:
    kept: dict[str, set[str]] = {}
    for path in RELEASED:
        kept.setdefault(path.parent.name, set()).add(path.stem)
    assert kept
    ends = ("passed", "failed", "errored", "expired", "cancelled", "reviewed")
    for release, names in kept.items():
        assert {f"{kind}-{end}" for kind in ("run", "case") for end in ends} <= names, release


def test_there_is_a_history_of_every_path_and_of_what_a_run_continued_as() -> None:
    names = {path.stem for path in HISTORIES}
    assert {f"run-{name}" for name in paths()} | {"run-continued-2"} <= names
    assert {f"case-{name}" for name in paths() if name != "continued"} <= names
    second = json.loads((ROOT / "histories" / "run-continued-2.json").read_text())["events"][0]
    assert second["workflowExecutionStartedEventAttributes"]["continuedExecutionRunId"]
    assert "timerStartedEventAttributes" in (ROOT / "histories" / "case-queued.json").read_text()
