"""Whole runs over SIP: the matrix of callers, measurements in the result, and a worker killed in a call."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from local_stack import Child, LocalStack, start

from voicewright.call import CallRecord
from voicewright.case import CaseResult, Step
from voicewright.client import Voicewright
from voicewright.connect import connect
from voicewright.outcome import Outcome
from voicewright.report.summary import summarise
from voicewright.results import RunReport, case_results
from voicewright.run import RunRequest
from voicewright.s3 import S3Store
from voicewright.suite_file import parse_suite
from voicewright.suite_library import push

SUITE = """\
suite: lines
agent: {channel: sip, uri: "URI;delay_ms=600", headers: {X-Suite: lines}}
profiles:
  street: {noise: {kind: pink, snr_db: 35}, volume_db: -6, seed: 2}
limits: {dead_air_ms: 4000, level_dbfs: {min: -40, max: -3}}
cases:
  - id: hello
    profiles: [plain, street]
    turns:
      - expect: {within_ms: 3000}  # no words: over a telephone they may be in doubt, and a person would be asked
      - say: Good morning, could you please book me in for Tuesday?
        expect: {within_ms: 900}
  - id: long
    turns:
      - say: Good morning, could you please book me in for Tuesday?
        expect: {contains: [done]}
      - silence_s: 60
"""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    log = tmp_path_factory.mktemp("lines") / "far.log"
    child = start([sys.executable, "-u", "-m", "examples.calibration.sip_agent"], log, "sip:")
    yield child
    child.stop()


@pytest.fixture(scope="module")
def pushed(stack: LocalStack, far: Child) -> str:
    raw = SUITE.replace("URI", next(line for line in far.text().splitlines() if line.startswith("sip:"))).encode()
    return push(S3Store(stack.settings), parse_suite(raw, "lines"), raw).name


@pytest.fixture(scope="module")
async def voicewright(stack: LocalStack) -> Voicewright:
    return Voicewright(await connect(stack.settings))


def ended(far: Child) -> list[dict[str, object]]:
    return [json.loads(line) for line in far.text().splitlines() if line.startswith('{"call_id"')]


async def results(voicewright: Voicewright, stack: LocalStack, run_id: str) -> list[CaseResult]:
    async for progress in voicewright.watch(run_id):
        if progress.finished:
            break
    return case_results(S3Store(stack.settings), run_id)


async def test_a_suite_over_sip_in_every_cell(stack: LocalStack, voicewright: Voicewright, pushed: str) -> None:
    run_id = await voicewright.start(RunRequest(suite=pushed, cases=("hello",)))
    found = await results(voicewright, stack, run_id)
    assert [result.key.cell for result in found] == ["en", "en+street"]
    store = S3Store(stack.settings)
    for result in found:
        assert result.outcome is Outcome.PASSED, result.reason
        assert result.verdict is not None
        measured = result.verdict.measured
        assert measured is not None
        assert measured.latency_p50_ms is not None
        assert abs(measured.latency_p50_ms - 600) <= 60
        assert measured.packets_lost is not None
        assert measured.packets_lost < 0.02
        assert {"level_dbfs", "dead_air_ms"} <= {check.kind for check in result.verdict.checks}
        assert result.call is not None
        record = CallRecord.model_validate_json(store.get(result.call.record.key))
        assert record.channel == "sip"
        assert record.network is not None
        assert record.network.codec == "PCMU"
    report = RunReport.model_validate_json(store.get(f"runs/{run_id}/results.json"))
    cells = summarise(report, []).cells
    assert [(cell.name, cell.counts) for cell in cells] == [
        ("en", {Outcome.PASSED: 1}),
        ("en+street", {Outcome.PASSED: 1}),
    ]


async def test_a_worker_killed_in_a_telephone_call_never_calls_twice(
    stack: LocalStack, voicewright: Voicewright, pushed: str, far: Child
) -> None:
    before = len(ended(far))
    run_id = await voicewright.start(RunRequest(suite=pushed, cases=("long",)))
    case_id = f"{run_id}/long/en/1"
    for _ in range(600):
        if '{"live": 1}' in far.text().splitlines()[-1:]:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    assert (await voicewright.case(case_id)).step is Step.CALL
    os.kill(int(json.loads((stack.data / "stack.json").read_text())["processes"]["calls"]), signal.SIGKILL)
    [result] = await results(voicewright, stack, run_id)
    assert result.outcome is Outcome.ERRORED
    assert result.error is not None
    assert result.error.kind == "CallLostError"
    assert "twice" in result.error.message
    calls = ended(far)[before:]
    assert [call["ended_by"] for call in calls] == ["caller"]  # hung up, and nobody was rung again
