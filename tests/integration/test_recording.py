"""The steps record what they store; rebuilt from the store alone, the records are the same, byte for byte."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker
from test_report import EVIL, Shelf, check, result

from activities.recording import LiveRecords
from activities.speech.mp3 import Mp3Encoder
from activities.steps.defects import DefectStep
from activities.steps.plan import PlanStep
from activities.steps.record import RecordStep
from activities.steps.report import ReportStep
from activities.steps.review import ReviewStep
from activities.suites import SuiteLibrary
from voicewright.client.queues import INTEGRATIONS, WORKFLOWS
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.case import CaseError, CaseKey, CaseSummary, Outcome, Step, SuiteRef
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.records import RecordRequest
from voicewright.contracts.review import ReviewDecision, ReviewVerdict
from voicewright.contracts.run import PageRequest, RunRequest
from voicewright.contracts.steps import ReportRequest, ReviewRequest, SettleRequest
from voicewright.contracts.verdict import Decision, Verdict, VerdictSummary
from voicewright.defects.log import DefectLog
from voicewright.defects.record import DefectStatus
from voicewright.records import Records, open_database, upgrade
from voicewright.report.build import Links
from voicewright.report.recording import Recorder
from voicewright.settings import Settings
from voicewright.store.keys import case_key, run_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite
from workers.build import SANDBOX
from workflows.chores import CatchUpRecords

RUN = ActivityEnvironment.default_info().workflow_id or ""
NOTE = "the agent mumbled something about a 'frog'"
CLI = [sys.executable, "-m", "voicewright.cli.main", "records"]


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def settings(server: S3Server) -> Settings:
    return Settings(s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("secret"))


@pytest.fixture
def store(settings: Settings) -> S3Store:
    return S3Store(settings)


class Folder(Shelf):
    """A shelf in the bucket."""

    def __init__(self, store: S3Store) -> None:
        super().__init__()
        self._store = store

    def put(self, key: str, body: bytes) -> ArtifactRef:
        return self._store.put(f"any/{key}", body, "x/y")


class Steps:
    """The steps of a worker, one after the other, as the workflows would start them."""

    def __init__(self, store: S3Store, records: LiveRecords, temporal: Client) -> None:
        self._store = store
        self._run = ActivityEnvironment().run
        self._plan = PlanStep(store, SuiteLibrary(store), records)
        self._record = RecordStep(store, temporal, records=records)
        self._review = ReviewStep(store, records)
        self._defects = DefectStep(store, None, records=records)
        self._report = ReportStep(store, Links(), Mp3Encoder(), records)

    async def plan(self) -> tuple[SuiteRef, list[CaseKey]]:
        push(self._store, *load_suite(Path("examples/clinic/suite.yaml")))
        page = await self._run(self._plan.plan, PageRequest(request=RunRequest(suite="clinic", branch="main")))
        return page.plan.suite, list(page.keys)

    async def end(
        self, suite: SuiteRef, key: CaseKey, outcome: Outcome | None, review: ReviewVerdict | None = None
    ) -> None:
        """A case, from its call to its end; without an outcome, to where it waits for a person."""
        wrong = (check("time", CheckOutcome.FAILED, EVIL, actual=EVIL), check("meaning", CheckOutcome.UNSURE, EVIL))
        whole = result(Folder(self._store), key.case, outcome or Outcome.PASSED, wrong)
        verdict = Verdict(decision=Decision.REVIEW, confidence=0.25, reason=EVIL, checks=wrong)
        stored = self._store.put(case_key(RUN, key, "verdict.json"), verdict.model_dump_json().encode(), "x/y")
        assert whole.call is not None
        call = self._store.get(whole.call.record.key)
        self._store.put(case_key(RUN, key, "call.json"), call, "x/y")
        workflow_id = f"{RUN}/{key}"
        if review is not None or outcome in {None, Outcome.UNREVIEWED}:
            asked = ReviewRequest(run_id=RUN, key=key, workflow_id=workflow_id, reason="unsure")
            await self._run(self._review.request_review, asked)
        if outcome is None:
            return
        by = (
            ReviewDecision(verdict=review, reviewer="Zoë", note=NOTE, decided_at="2026-01-01T00:00:09Z")
            if review
            else None
        )
        error = CaseError(kind="LineError", message=EVIL, step=Step.CALL) if outcome is Outcome.ERRORED else None
        summary = CaseSummary(
            run_id=RUN,
            suite=suite,
            key=key,
            workflow_id=workflow_id,
            outcome=outcome,
            review=by,
            error=error,
            call=whole.call if error is None else None,
            verdict=VerdictSummary.of(verdict, stored) if error is None else None,
            started_at=whole.started_at,
            ended_at=whole.ended_at,
        )
        if outcome is Outcome.FAILED:
            filed = await self._run(self._defects.file_defect, summary)
            summary = summary.model_copy(update={"defect": filed.id, "more_defects": filed.others})
        await self._run(self._record.record_result, summary)

    async def conclude(self, suite: SuiteRef, total: int) -> None:
        request = ReportRequest(
            run_id=RUN,
            suite=suite,
            agent="?",
            total=total,
            started_at="2026-01-01T00:00:00Z",
            counts={},
            cancelled=True,
        )
        await self._run(self._report.publish_report, request)
        await self._run(self._defects.settle_defects, SettleRequest(run_id=RUN, suite=suite))

    async def whole_run(self) -> None:
        suite, keys = await self.plan()
        ends: list[tuple[Outcome | None, ReviewVerdict | None]] = [
            (Outcome.PASSED, None),
            (Outcome.FAILED, None),
            (Outcome.FAILED, ReviewVerdict.FAIL),
            (Outcome.PASSED, ReviewVerdict.PASS),
            (Outcome.ERRORED, None),
            (Outcome.UNREVIEWED, None),
            (None, None),
        ]
        assert len(keys) >= len(ends)
        for key, (outcome, review) in zip(keys, ends, strict=False):
            await self.end(suite, key, outcome, review)
        await self.conclude(suite, len(keys))


def live(store: S3Store, database: Engine, temporal: Client, patience_s: float = 300, **limits: float) -> LiveRecords:
    """As workers have it, but for a patience that a busy machine does not use up."""
    return LiveRecords(Recorder(store, Records(database)), temporal, patience_s=patience_s, **limits)


def exported(database: Engine) -> str:
    return "".join(Records(database).export())


def rebuilt(store: S3Store, folder: Path) -> str:
    """The export of an empty database, once it was made from the store."""
    engine = open_database(f"sqlite:///{folder}/rebuilt.db")
    upgrade(engine)
    assert Recorder(store, Records(engine)).everything() == []
    text = exported(engine)
    engine.dispose()
    return text


async def test_rebuilt_from_the_store_the_records_are_the_same(
    store: S3Store, settings: Settings, database: Engine, database_url: str, real: Client, tmp_path: Path
) -> None:
    upgrade(database)
    await Steps(store, live(store, database, real), real).whole_run()
    before = exported(database)
    cases = [line for line in map(json.loads, before.splitlines()) if line["record"] == "case"]
    assert [case["outcome"] for case in cases].count("failed") == 2
    assert len(cases) == 7
    assert all(case["turns"] and case["checks"] for case in cases if case["outcome"] != "errored")
    assert sum(case["review"] is not None for case in cases) == 4
    assert sum(bool(case["defects"]) for case in cases) == 2
    [line] = Records(database).runs().lines
    assert (line.waiting, line.run.cancelled, line.run.channel) == (1, True, "media_stream")
    assert line.took is not None
    # by the commands, into the same database emptied, and into another
    await asyncio.to_thread(Records(database).forget, runs=[RUN], defects=Records(database).defect_ids())
    assert exported(database) == ""
    environment = {
        **os.environ,
        "VOICEWRIGHT_DATABASE_URL": database_url,
        "VOICEWRIGHT_S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
        "VOICEWRIGHT_S3_ACCESS_KEY_ID": "key",
        "VOICEWRIGHT_S3_SECRET_ACCESS_KEY": "secret",
    }

    def command(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*CLI, *words], env=environment, capture_output=True, check=False)

    for _ in range(2):
        made = await asyncio.to_thread(command, "rebuild")
        assert made.returncode == 0, made.stderr.decode()
        told = await asyncio.to_thread(command, "export")
        assert told.stdout.decode() == before, told.stderr.decode()
    assert await asyncio.to_thread(rebuilt, store, tmp_path) == before


async def test_nothing_that_anybody_said_is_recorded(
    store: S3Store, database: Engine, real: Client, tmp_path: Path
) -> None:
    upgrade(database)
    await Steps(store, live(store, database, real), real).whole_run()
    text = exported(database)
    assert EVIL not in text
    assert json.dumps(EVIL)[1:-1] not in text
    assert "frog" not in text
    assert '"reviewer":"Zoë"' in text


async def test_what_is_stored_no_more_leaves_the_records(store: S3Store, database: Engine, real: Client) -> None:
    upgrade(database)
    steps = Steps(store, live(store, database, real), real)
    await steps.whole_run()
    records = Records(database)
    gone = next(line for line in map(json.loads, records.export()) if line["record"] == "case")["workflow_id"]
    for key in list(store.list_keys(run_key(RUN, f"cases/{gone.removeprefix(RUN + '/').split('/')[0]}/"))):
        store.delete(key)
    Recorder(store, records).everything()
    assert gone not in records.case_ids(RUN)
    assert records.case_ids(RUN)
    for key in [*store.list_keys("runs/"), *store.list_keys("defects/")]:
        store.delete(key)
    Recorder(store, records).everything()
    assert exported(database) == ""


async def test_a_defect_is_recorded_as_it_stands_in_whatever_order_it_is_told(
    store: S3Store, database: Engine, real: Client
) -> None:
    upgrade(database)
    await Steps(store, live(store, database, real), real).whole_run()
    log, recorder = DefectLog(store), Recorder(store, Records(database))
    [first, *_] = log.defects()

    def change(number: int) -> None:
        log.set_status(first.id, DefectStatus.CLOSED if number % 2 else DefectStatus.OPEN, "me")
        recorder.defect(first.id)

    await asyncio.gather(*(asyncio.to_thread(change, number) for number in range(9)))
    stands = log.defect(first.id).status
    told = [line for line in map(json.loads, Records(database).export()) if line.get("defect") == first.id]
    assert [line["status"] for line in told] == [stands]


async def test_a_database_that_is_away_costs_no_result_and_hears_of_all_when_it_is_back(
    store: S3Store, database: Engine, real: Client, tmp_path: Path
) -> None:
    """No table is there: every write fails until they are made."""
    records = live(store, database, real, rest_s=0.1)
    step = RecordStep(store, real, records=records)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            Worker(real, task_queue=WORKFLOWS, workflows=[CatchUpRecords], workflow_runner=SANDBOX)
        )
        await stack.enter_async_context(
            Worker(real, task_queue=INTEGRATIONS, activities=[step.catch_up_records], max_concurrent_activities=4)
        )
        await Steps(store, records, real).whole_run()
        assert len([key for key in store.list_keys(run_key(RUN, "cases/")) if key.endswith("result.json")]) == 6
        handle = real.get_workflow_handle(RecordRequest(run_id=RUN).workflow_id)
        assert (await handle.describe()).close_time is None
        upgrade(database)
        defects = [RecordRequest(defect=one.id) for one in DefectLog(store).defects()]
        for request in (RecordRequest(run_id=RUN), *defects):
            await real.get_workflow_handle(request.workflow_id).result()
    assert exported(database) == await asyncio.to_thread(rebuilt, store, tmp_path)


def tries(listening: socket.socket) -> int:
    """How many connections wait to be taken."""
    listening.settimeout(0.2)
    taken: list[socket.socket] = []
    with suppress(TimeoutError):
        while True:
            taken.append(listening.accept()[0])
    for one in taken:
        one.close()
    return len(taken)


async def test_a_database_that_hangs_holds_up_one_result_for_seconds_and_then_none(
    store: S3Store, real: Client
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        hangs = open_database(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/records")
        steps = Steps(store, live(store, hangs, real, patience_s=0.5, rest_s=60), real)
        suite, keys = await steps.plan()
        for key in keys[:4]:
            await steps.end(suite, key, Outcome.PASSED)
        assert tries(silent) == 1  # each would wait 10 s by itself
        assert len([key for key in store.list_keys("runs/") if key.endswith("result.json")]) == 4
    await real.get_workflow_handle(RecordRequest(run_id=RUN).workflow_id).terminate()
