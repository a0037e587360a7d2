"""Recorded histories must replay against today's workflows.

A failure means that runs which are in flight when this version is deployed would break. Guard the change with
`workflow.patched("what-changed")`, as Temporal's guide on versioning describes; only when no such run can exist
any more, record the histories anew: `python tests/replay/record.py`.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workers.build import SANDBOX
from workflows.case import VoiceTestCase
from workflows.run import VoiceTestRun

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=[VoiceTestRun, VoiceTestCase], workflow_runner=SANDBOX, data_converter=pydantic_data_converter
    )
    kind, ending = path.stem.split("-", 1)
    workflow_id = f"run-{ending}" if kind == "run" else f"run-{ending}/c0/en/1"
    await replayer.replay_workflow(WorkflowHistory.from_json(workflow_id, path.read_text()))


def test_there_are_histories_of_every_ending() -> None:
    names = {path.stem for path in HISTORIES}
    assert names >= {"run-passed", "run-cancelled", "case-passed", "case-reviewed", "case-expired", "case-errored"}
