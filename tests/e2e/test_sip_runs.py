"""Whole runs over SIP: the matrix of callers, measurements in the result, and a worker killed in a call."""

import asyncio
import json
import os
import signal
from datetime import datetime

import pytest
from far_ends import SipFarEnd
from local_stack import LocalStack
from patience import until_true

from activities.audio.pcm import FRAME_MS
from voicewright.client import Voicewright
from voicewright.client.connect import connect
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseResult, Outcome, Step
from voicewright.contracts.run import RunRequest
from voicewright.report.results import RunReport, case_results
from voicewright.report.summary import summarise
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import parse_suite

pytestmark = pytest.mark.runs

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
        expect: {within_ms: 3000}
  - id: long
    turns:
      - say: Good morning, could you please book me in for Tuesday?
        expect: {contains: [done]}
      - silence_s: 60
"""


@pytest.fixture(scope="module")
def pushed(stack: LocalStack, far: SipFarEnd) -> str:
    raw = SUITE.replace("URI", far.uri).encode()
    return push(S3Store(stack.settings), parse_suite(raw, "lines"), raw).name


@pytest.fixture(scope="module")
async def voicewright(stack: LocalStack) -> Voicewright:
    return Voicewright(await connect(stack.settings))


async def results(voicewright: Voicewright, stack: LocalStack, run_id: str) -> list[CaseResult]:
    async for progress in voicewright.watch(run_id):
        if progress.finished:
            break
    return case_results(S3Store(stack.settings), run_id)


async def test_a_suite_over_sip_in_every_cell(
    stack: LocalStack, voicewright: Voicewright, pushed: str, far: SipFarEnd
) -> None:
    before = len(far.ended())
    begun = datetime.now().astimezone().date()
    run_id = await voicewright.start(RunRequest(suite=pushed, cases=("hello",)))
    found = await results(voicewright, stack, run_id)
    assert [result.key.cell for result in found] == ["en", "en+street"]
    store = S3Store(stack.settings)
    await far.last(before + 2)
    calls = far.ended()[before:]
    told = [answered for call in calls for answered in call["answered_ms"]]
    assert len(told) == 2
    assert min(told) >= 599
    for result in found:
        assert result.outcome is Outcome.PASSED, result.reason
        assert result.call is not None
        record = CallRecord.model_validate_json(store.get(result.call.record.key))
        assert result.verdict is not None
        measured = result.verdict.measured
        assert measured is not None
        assert measured.latency_p50_ms is not None
        near = 2 * FRAME_MS + record.pacing.late_max_ms + max(call["late_ms"] for call in calls)
        assert min(told) - near <= measured.latency_p50_ms <= max(told) + near
        assert measured.packets_lost is not None
        assert measured.packets_lost < 0.02
        assert {"level_dbfs", "dead_air_ms"} <= {check.kind for check in result.verdict.checks}
        assert record.channel == "sip"
        assert record.day in {begun, datetime.now().astimezone().date()}
        assert record.network is not None
        assert record.network.codec == "PCMU"
    report = RunReport.model_validate_json(store.get(f"runs/{run_id}/results.json"))
    cells = summarise(report, []).cells
    assert [(cell.name, cell.counts) for cell in cells] == [
        ("en", {Outcome.PASSED: 1}),
        ("en+street", {Outcome.PASSED: 1}),
    ]


async def test_a_worker_killed_in_a_telephone_call_never_calls_twice(
    stack: LocalStack, voicewright: Voicewright, pushed: str, far: SipFarEnd
) -> None:
    before = len(far.ended())
    run_id = await voicewright.start(RunRequest(suite=pushed, cases=("long",)))
    case_id = f"{run_id}/long/en/1"
    await until_true(lambda: far.live() == 1)
    await asyncio.sleep(1)
    assert (await voicewright.case(case_id)).step is Step.CALL
    os.kill(int(json.loads((stack.data / "stack.json").read_text())["processes"]["calls"]), signal.SIGKILL)
    [result] = await results(voicewright, stack, run_id)
    assert result.outcome is Outcome.ERRORED
    assert result.error is not None
    assert result.error.kind == "CallLostError"
    assert "twice" in result.error.message
    calls = far.ended()[before:]
    assert [call["ended_by"] for call in calls] == ["caller"]  # hung up, and nobody was rung again
