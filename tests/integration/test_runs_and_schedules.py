"""Comparing runs and scheduling them, as typed: real Temporal schedules, results in the real store."""

import asyncio
import re
import uuid
from pathlib import Path

import pytest
from local_stack import LocalStack
from patience import until
from test_report import Shelf, check, report, result

from voicewright.client.connect import connect
from voicewright.client.schedule import PREFIX
from voicewright.contracts.case import Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.store.keys import baseline_key, run_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite


def stored(store: S3Store, run_id: str, suite: str, **outcomes: Outcome) -> str:
    """Results of a finished run, as `publish_report` leaves them."""
    shelf = Shelf()
    wrong = (check("time", CheckOutcome.FAILED, "time: expected 9:30, heard 10:30"),)
    cases = [
        result(shelf, name, outcome, wrong if outcome is Outcome.FAILED else ()) for name, outcome in outcomes.items()
    ]
    for key, body in shelf.objects.items():
        store.put(key, body, "application/octet-stream")
    whole = report(*cases)
    whole = whole.model_copy(update={"run_id": run_id, "suite": whole.suite.model_copy(update={"name": suite})})
    store.put(run_key(run_id, "results.json"), whole.model_dump_json().encode(), "application/json")
    return run_id


@pytest.fixture
def store(stack: LocalStack) -> S3Store:
    return S3Store(stack.settings)


def test_a_regression_is_named_and_gates(stack: LocalStack, store: S3Store) -> None:
    mark = uuid.uuid4().hex[:8]
    before = stored(store, f"run-a-{mark}", mark, book=Outcome.PASSED, old=Outcome.FAILED)
    after = stored(store, f"run-b-{mark}", mark, book=Outcome.FAILED, old=Outcome.FAILED)
    done = stack.cli("runs", "compare", before, after)
    assert done.returncode == 1, done.stderr
    assert "worse" in done.stdout
    assert "expected 9:30" in done.stdout
    assert "old" not in done.stdout
    assert "median 500 ms before, 500 ms now: not slower" in done.stdout
    assert stack.cli("runs", "compare", before, before).returncode == 0


def test_a_branch_stands_for_its_newest_run(stack: LocalStack, store: S3Store) -> None:
    mark = uuid.uuid4().hex[:8]
    run = stored(store, f"run-a-{mark}", mark, book=Outcome.PASSED)
    store.put(baseline_key(mark, "main"), run.encode(), "text/plain")
    done = stack.cli("runs", "compare", "main", run, "--suite", mark)
    assert done.returncode == 0, done.stderr
    assert run in done.stdout
    lost = stack.cli("runs", "compare", "nowhere", run, "--suite", mark)
    assert lost.returncode == 2
    assert f"voicewright run {mark} --branch nowhere" in lost.stderr


async def test_a_schedule_starts_runs_until_it_is_deleted(stack: LocalStack, store: S3Store) -> None:
    push(store, *load_suite(Path("examples/clinic/suite.yaml")))
    name = f"nightly-{uuid.uuid4().hex[:8]}"

    async def cli(*arguments: str) -> tuple[int, str]:
        done = await asyncio.to_thread(stack.cli, "schedule", *arguments)
        return done.returncode, done.stdout + done.stderr

    made = await cli("create", name, "clinic", "--cron", "0 3 * * *", "--jitter", "5m", "--agent", "ws://127.0.0.1:9/m")
    assert made[0] == 0, made[1]
    assert re.search(r"next runs \(UTC\): [A-Z][a-z]{2} 20\d\d-\d\d-\d\d 03:0\d", made[1])
    twice = await cli("create", name, "clinic", "--every", "6h")
    assert twice[0] == 2
    assert "already" in twice[1]
    client = await connect(stack.settings)
    await client.get_schedule_handle(PREFIX + name).trigger()

    async def runs() -> list[str]:
        return [item.id async for item in client.list_workflows(f"WorkflowId STARTS_WITH 'run-clinic-{name}'")]

    started = await until(runs)
    await client.get_workflow_handle(started[0]).terminate()
    listed = await cli("list")
    assert name in listed[1]
    assert "03:0" in listed[1]
    assert (await cli("delete", name))[0] == 0
    assert (await cli("delete", name))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["create", "n", "nothing-like-it", "--every", "6h"], "no suite"),
        (["create", "n", "clinic"], "one of --cron and --every"),
        (["create", "n", "clinic", "--cron", "at noon"], "five fields"),
        (["create", "n", "clinic", "--cron", ""], "says when"),
        (["create", "n", "clinic", "--cron", "61 3 * * *"], "Temporal does not take"),
        (["create", "n", "clinic", "--cron", "0 0 30 2 *"], "never comes"),
        (["create", "n", "clinic", "--cron", "30 4 31 4,6,9,11 *"], "never comes"),
        (["create", "n", "clinic", "--every", "soon"], "soon"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    stack: LocalStack, store: S3Store, arguments: list[str], hint: str
) -> None:
    push(store, *load_suite(Path("examples/clinic/suite.yaml")))
    done = stack.cli("schedule", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert hint in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
