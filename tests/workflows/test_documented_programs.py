"""Programs in the docs run as they are printed, against a real Temporal server; only the steps' engines are fakes."""

import asyncio
import os
import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest
from fakes import Steps
from serving import program, serving
from temporalio.client import Client

from voicewright.contracts.case import Outcome
from voicewright.contracts.run import RunRequest, RunResult


async def run(client: Client, *command: str) -> tuple[int, str]:
    """Exit status and output, where Temporal's address is that of the test's server."""
    address = client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "VOICEWRIGHT_TEMPORAL_ADDRESS": address, "TEMPORAL_ADDRESS": address},
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def python_of(page: str) -> str:
    """The program of a page that starts a run."""
    blocks = re.findall(r"^ *```python\n(.*?)```", Path(page).read_text(), re.DOTALL | re.MULTILINE)
    [block] = [one for one in blocks if "Voicewright.connect" in one]
    return textwrap.dedent(block)


@pytest.mark.parametrize(
    ("page", "suite", "tags"), [("README.md", "my-agent", ()), ("docs/ci.md", "clinic", ("smoke",))]
)
async def test_a_run_is_started_from_python(
    real: Client, tmp_path: Path, page: str, suite: str, tags: tuple[str, ...]
) -> None:
    (tmp_path / "program.py").write_text(python_of(page))
    steps = Steps(cases=2)
    async with serving(real, steps):
        status, output = await run(real, sys.executable, str(tmp_path / "program.py"))
    assert status == 0, output
    [report] = steps.reports
    assert (report.suite.name, report.counts) == ("s", {Outcome.PASSED: 2})
    assert "2" in output
    [plan] = steps.plans
    assert plan == RunRequest(suite=suite, tags=tags, branch=plan.branch)


async def test_a_run_is_started_by_the_temporal_cli(real: Client) -> None:
    [line] = re.findall(r"`temporal (workflow start [^`]*)`", Path("README.md").read_text())
    steps = Steps()
    async with serving(real, steps):
        status, output = await run(real, program("temporal"), *shlex.split(line))
        assert status == 0, output
        [started] = re.findall(r"WorkflowId +(\S+)", output)
        result = await real.get_workflow_handle(started, result_type=RunResult).result()
    assert result.counts == {Outcome.PASSED: 1}
    assert [plan.suite for plan in steps.plans] == ["my-agent"]
