"""A run on the local stack is in its records when it has ended, and as the object store would have them."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from local_stack import LocalStack

pytestmark = pytest.mark.runs
RECORDS = [sys.executable, "-m", "voicewright.cli.main", "records"]


def records(stack: LocalStack, *words: str, **changed: str) -> str:
    environment = {**os.environ, **stack.environment, **changed}
    done = subprocess.run([*RECORDS, *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_is_recorded_as_the_store_has_it(stack: LocalStack, clinic: str, tmp_path: Path) -> None:
    stack.cli("suites", "push", "examples/clinic/suite.yaml")
    ran = stack.cli("run", "clinic", "--case", "opening-hours", "--agent", clinic, "--id", "run-recorded")
    assert ran.returncode in {0, 1, 4}, ran.stderr
    told = [json.loads(line) for line in records(stack, "export").splitlines()]
    [run] = [line for line in told if line["record"] == "run" and line["run_id"] == "run-recorded"]
    [case] = [line for line in told if line["record"] == "case" and line["run_id"] == "run-recorded"]
    assert (run["channel"], run["agent"], run["total"]) == ("media_stream", clinic, 1)
    assert case["call_ms"] > 1_000
    assert case["checks"]
    assert any(turn["ttfa_ms"] is not None for turn in case["turns"])
    assert stat.S_IMODE((stack.data / "records.db").stat().st_mode) == 0o600
    page = httpx.get(f"{stack.settings.web_url}/runs", params={"suite": "clinic"}, trust_env=False)
    assert "run-recorded" in page.text
    assert "of 1</span>" in page.text
    other = f"sqlite:///{tmp_path}/rebuilt.db"
    records(stack, "rebuild", VOICEWRIGHT_DATABASE_URL=other)
    rebuilt = records(stack, "export", VOICEWRIGHT_DATABASE_URL=other).splitlines()
    ours = [line for line in records(stack, "export").splitlines() if '"run-recorded' in line]
    assert len(ours) == 2
    assert [line for line in rebuilt if '"run-recorded' in line] == ours
