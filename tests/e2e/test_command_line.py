"""The command as users type it: exit codes, clear errors, tables."""

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from local_stack import STOP_S, LocalStack, start

VOICEWRIGHT = [sys.executable, "-m", "voicewright.cli.main"]


def test_bad_suites_exit_2_with_a_line_per_mistake(stack: LocalStack, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("suite: x\nagnet: 1\ncases: []\n")
    for command in ("check", "run"):
        done = stack.cli(command, str(bad))
        assert done.returncode == 2
        assert f"{bad}:2:1: unknown key `agnet`; did you mean `agent`?" in done.stderr
        assert "Traceback" not in done.stderr


def test_unknown_suites_and_cases_exit_2_with_a_hint(stack: LocalStack) -> None:
    stack.cli("suites", "push", "examples/clinic/suite.yaml")
    assert "clinic" in stack.cli("suites", "list").stdout
    done = stack.cli("run", "clinik")
    assert done.returncode == 2
    assert "did you mean 'clinic'?" in done.stderr
    done = stack.cli("run", "clinic", "--case", "nothing-like-it")
    assert done.returncode == 2
    assert "no case of clinic fits 'nothing-like-it'" in done.stderr
    assert stack.cli("runs", "show", "nobody").returncode == 2


def test_schema_is_json_schema(stack: LocalStack) -> None:
    schema = json.loads(stack.cli("schema").stdout)
    assert schema["properties"]["cases"]["type"] == "array"


def test_doctor_is_content_with_a_running_stack(stack: LocalStack) -> None:
    done = stack.cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "bad" not in done.stdout


def test_doctor_says_what_is_missing(stack: LocalStack) -> None:
    environment = {**stack.environment, "VOICEWRIGHT_S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = subprocess.run([*VOICEWRIGHT, "doctor"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3
    assert "bad  object store" in done.stdout


def test_no_server_is_one_clear_line(tmp_path: Path) -> None:
    environment = {**os.environ, "VOICEWRIGHT_DATA_DIR": str(tmp_path), "VOICEWRIGHT_TEMPORAL_ADDRESS": "127.0.0.1:9"}
    done = subprocess.run([*VOICEWRIGHT, "runs", "list"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3
    assert "voicewright dev" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_explains_itself(stack: LocalStack) -> None:
    for command in (["run"], ["dev"], ["demo"], ["check"], ["suites", "push"], ["runs", "show"], ["review", "decide"]):
        done = stack.cli(*command, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout


def test_the_exit_code_is_right_twelve_times_out_of_twelve(stack: LocalStack) -> None:
    """With temporalio loaded, one interpreter in four used to crash on its way out: of twelve, three."""

    def once(_: int) -> int:
        return stack.cli("runs", "list").returncode

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(once, range(12))) == [0] * 12


def test_a_taken_port_is_named(stack: LocalStack, tmp_path: Path) -> None:
    port = stack.settings.temporal_address.rsplit(":", 1)[1]
    done = subprocess.run(
        [*VOICEWRIGHT, "dev", "--data", str(tmp_path), "--temporal-port", port],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 3
    assert f"port {port} for Temporal is taken" in done.stderr
    assert "--free-ports" in done.stderr


@pytest.mark.parametrize(("how", "when"), [(signal.SIGINT, "Voicewright is up"), (signal.SIGKILL, "")])
def test_a_stack_beside_another_leaves_no_orphans(
    stack: LocalStack, tmp_path: Path, how: signal.Signals, when: str
) -> None:
    assert stack.child.process.poll() is None
    child = start([*VOICEWRIGHT, "dev", "--free-ports", "--data", str(tmp_path)], tmp_path / "dev.log", when)
    while len(family := psutil.Process(child.process.pid).children(recursive=True)) < 5:
        time.sleep(0.1)
    child.process.send_signal(how)
    assert child.process.wait(timeout=STOP_S) == (0 if how is signal.SIGINT else -signal.SIGKILL)
    deadline = time.monotonic() + STOP_S
    while any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family):
        assert time.monotonic() < deadline, family
        time.sleep(0.2)
