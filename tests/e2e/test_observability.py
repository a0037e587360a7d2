"""What an operator sees: traces from the command to the call, metrics, and logs that tell ids and no words."""

import json
import re
import time
from pathlib import Path

import httpx
import pytest
from local_stack import LocalStack
from patience import PATIENCE_S
from standins.otlp_collector import OtlpCollector

from voicewright.suite import spoken
from voicewright.suite.reading.file import load_suite

pytestmark = pytest.mark.runs

SUITE = Path("examples/clinic/suite.yaml")


@pytest.fixture(scope="module")
def run_id(stack: LocalStack, clinic: str) -> str:
    run = f"run-observed-{time.time_ns()}"
    done = stack.cli("run", str(SUITE), "--case", "greeting", "--agent", f"{clinic}?key=hush-hush-5551234", "--id", run)
    assert done.returncode == 0, done.stdout + done.stderr
    return run


def test_one_trace_leads_from_the_command_to_the_call(run_id: str, collector: OtlpCollector) -> None:
    wanted = {"StartWorkflow:VoiceTestRun", "RunWorkflow:VoiceTestRun", "RunWorkflow:VoiceTestCase", "RunActivity:call"}
    deadline = time.monotonic() + PATIENCE_S
    while True:
        traces: dict[str, dict[str, str]] = {}
        for span in list(collector.spans):
            traces.setdefault(span.trace, {})[span.name] = span.service
        whole = [names for names in traces.values() if wanted <= set(names)]
        if whole or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert whole, traces
    assert whole[-1]["StartWorkflow:VoiceTestRun"] == "voicewright"
    assert whole[-1]["RunActivity:call"] == "voicewright-calls"


def test_workers_serve_temporals_metrics_and_ours(stack: LocalStack, run_id: str) -> None:
    text = "".join(
        httpx.get(f"http://127.0.0.1:{stack.metrics_port + number}/metrics", trust_env=False).text
        for number in range(3)
    )
    found = set(re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?\{", text, re.MULTILINE))
    ours = {"cases_total", "step_seconds", "call_setup_ms", "ttfa_ms", "frames_lost_total", "verdicts_total"}
    assert {f"voicewright_{name}" for name in ours} <= found
    assert any(name.startswith("temporal_activity_execution_latency") for name in found)
    assert re.search(r'voicewright_cases_total\{[^}]*outcome="passed"', text)
    assert re.search(r'voicewright_verdicts_total\{[^}]*judge="rules', text)


def test_logs_are_json_with_the_ids_of_run_and_case(stack: LocalStack, run_id: str) -> None:
    lines = [
        json.loads(line)
        for log in (stack.data / "logs").glob("*.log")
        if log.stem not in {"temporal", "s3"}
        for line in log.read_text().splitlines()
        if line.startswith("{")
    ]
    assert lines
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    told = [line for line in lines if "case" in line]
    assert all(line["run"] and re.fullmatch(r"[\w-]+/[\w-]+/\d+", line["case"]) for line in told)


def test_logs_hold_no_words_no_names_and_no_secrets(stack: LocalStack, run_id: str) -> None:
    """After all that other tests did on this stack: no sentence of a caller or an agent, no reviewer, no key."""
    suite = load_suite(SUITE)[0]
    turns = [turn for case in suite.cases for turn in spoken(case, "en").steps]
    said = [turn.say for turn in turns if turn.say is not None]
    meant = [turn.expect.meaning for turn in turns if turn.expect and turn.expect.meaning]
    assert len(said) > 10
    assert len(meant) > 10
    secret = stack.settings.s3_secret_access_key
    assert secret is not None
    private = [*said, *meant, "Riverside Clinic. Good", "by Ada", "hush-hush", "5551234", secret.get_secret_value()]
    logs = list((stack.data / "logs").glob("*.log"))
    assert len(logs) >= 6
    for log in logs:
        text = log.read_text(errors="replace")
        assert not [words for words in private if words and words in text], log.name
