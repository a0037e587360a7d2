"""The whole product on real input: `voicewright` as typed, real workers, the clinic's agent, its planted bugs."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from junitparser import JUnitXml
from local_stack import LocalStack
from mutants import MEANT_FOR
from patience import PATIENCE_S, until, until_true
from temporalio.client import Client

from examples.clinic.bugs import Bug
from voicewright.client import Voicewright
from voicewright.client.connect import connect
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.case import CasePhase, CaseResult, CaseState, Outcome, Step
from voicewright.contracts.check import CheckOutcome, DoubtKind
from voicewright.contracts.review import ReviewDecision, ReviewSubmission
from voicewright.contracts.run import RunProgress, RunRequest, RunResult
from voicewright.contracts.transcript import Transcript
from voicewright.contracts.verdict import Decision, Verdict
from voicewright.defects.log import DefectLog
from voicewright.report.results import RunReport, case_results, read_verdict
from voicewright.runtime.exit import ExitCode
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

pytestmark = pytest.mark.runs

SUITE = Path("examples/clinic/suite.yaml")
CASES = len(load_suite(SUITE)[0].cases)
_TELLING = 12
"""Characters from which three words in a row are nobody else's."""
EVIDENCE = {
    Bug.WRONG_TIME: ("expected 9:30, heard 10:30",),
    Bug.SLOW: ("time to first audio",),
    Bug.SILENT: ("no speech within",),
    Bug.TALKS_OVER_CALLER: ("talked over them",),
    Bug.DROPS_CALL: ("the agent closed the stream",),
    # It asks again, which the recogniser may mishear; and so it never comes to book.
    Bug.FORGETS_CONTEXT: ("which doctor", "expected 2 pm, heard nothing of the kind"),
    # A noise that the recogniser makes words of, or in which nobody finds any speech.
    Bug.MUMBLES: ("the recogniser", "no speech was found in it"),
}
"""One bug for each way to find one; `bench/mutants.py` hunts them all."""


@pytest.fixture(scope="module")
async def temporal(stack: LocalStack) -> Client:
    return await connect(stack.settings)


@pytest.fixture(scope="module")
def pushed(stack: LocalStack) -> str:
    return push(S3Store(stack.settings), *load_suite(SUITE)).name


async def settle(voicewright: Voicewright, run_id: str) -> RunProgress:
    """Until every case has an outcome or waits for a human."""
    async for progress in voicewright.watch(run_id):
        if progress.finished or (progress.total and progress.done + progress.reviewing_total == progress.total):
            return progress
    return progress


def test_a_clean_agent_passes_the_whole_suite(stack: LocalStack, clinic: str, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    # Three calls at once: the agent shares the cores with us, and its limit of time to first audio is real.
    options = ("--agent", clinic, "--junit", str(junit), "--parallel", "3")
    done = stack.cli("run", str(SUITE), *options)
    # Nothing right is ever failed. Where a busy machine garbles a word of the agent's, a person listens.
    assert done.returncode in {0, ExitCode.REVIEW_PENDING}, done.stdout + done.stderr
    xml = JUnitXml.fromfile(str(junit))
    assert (xml.tests, xml.failures, xml.errors) == (CASES, 0, 0)
    assert xml.skipped <= 1, done.stdout


async def test_each_planted_bug_is_found_by_its_case(
    stack: LocalStack, temporal: Client, clinic: str, pushed: str
) -> None:
    voicewright = Voicewright(temporal)
    found: dict[Bug, str] = {}
    for bug in EVIDENCE:  # one call at a time: the agent shares the cores with us, and its bugs are often ones of time
        request = RunRequest(suite=pushed, cases=(MEANT_FOR[bug],), agent_url=f"{clinic}?bugs={bug}")
        tries = 0
        while True:
            run_id = await voicewright.start(request)
            progress = await settle(voicewright, run_id)
            state = await voicewright.case(f"{run_id}/{MEANT_FOR[bug]}/en/1")
            verdict = read_verdict(S3Store(stack.settings), state.verdict)
            assert verdict is not None, state.error
            doubts = {check.doubt.kind for check in verdict.checks if check.doubt is not None}
            tries += 1
            if DoubtKind.BUSY_MACHINE not in doubts or tries == 3:  # it says when this machine was too busy to tell
                break
        # All that is wrong, not the first of it: on a busy machine the agent may be slow besides.
        wrong = [check.evidence for check in verdict.checks if check.outcome is not CheckOutcome.PASSED]
        found[bug] = f"{state.outcome or 'review'}: {'; '.join([verdict.reason, *wrong])}"
        if progress.reviewing:
            await voicewright.cancel(run_id)
    for bug, evidence in EVIDENCE.items():
        assert any(sign in found[bug] for sign in evidence), f"{bug}: {found[bug]}"
        assert found[bug].startswith("review" if bug is Bug.MUMBLES else "failed"), f"{bug}: {found[bug]}"


async def test_a_run_typed_in_the_temporal_ui_waits_for_a_signal(
    stack: LocalStack, temporal: Client, clinic: str, pushed: str, tmp_path: Path
) -> None:
    """Started by type name with a plain object, decided by a signal; seen by the command line meanwhile."""
    name = f"typed by hand {time.time_ns()}"
    typed = {"suite": pushed, "cases": ["parking"], "agent_url": f"{clinic}?bugs=mumbles"}
    handle = await temporal.start_workflow("VoiceTestRun", typed, id=name, task_queue=WORKFLOWS, result_type=RunResult)
    voicewright = Voicewright(temporal)
    progress = await settle(voicewright, name)
    case_id = f"{name}/{progress.reviewing[0]}"
    listed = await asyncio.to_thread(stack.cli, "review", "list")
    assert case_id in listed.stdout
    shown = await asyncio.to_thread(stack.cli, "review", "show", case_id)
    assert shown.returncode == 0, shown.stderr
    assert any(sign in " ".join(shown.stdout.split()) for sign in EVIDENCE[Bug.MUMBLES])
    assert "http://127.0.0.1" in shown.stdout  # where to listen
    nameless = await asyncio.to_thread(stack.cli, "review", "decide", case_id, "pass", "--reviewer", " ")
    assert nameless.returncode == 2
    assert "reviewer's name" in nameless.stderr
    page = tmp_path / "report.html"
    joined = await asyncio.to_thread(stack.cli, "run", pushed, "--id", name, "--html", str(page))
    assert joined.returncode == ExitCode.REVIEW_PENDING, joined.stderr
    assert "0 of 1 cases have an outcome" in " ".join(joined.stderr.split())
    assert page.read_text().startswith("<!doctype html>")
    other = await asyncio.to_thread(stack.cli, "run", "examples/clinic/suites/fr.yaml", "--id", name)
    assert other.returncode == ExitCode.BAD_INPUT, other.stdout
    assert "belongs to a run of clinic" in " ".join(other.stderr.split())
    case = temporal.get_workflow_handle(case_id)
    await case.signal("submit_review", {"verdict": "fail", "reviewer": "Ada", "note": "mumbles"})
    result = await handle.result()
    assert result.counts == {Outcome.FAILED: 1}
    again = await asyncio.to_thread(stack.cli, "review", "decide", case_id, "pass", "--reviewer", "Bob")
    assert again.returncode == 2
    assert "finished" in again.stderr
    store = S3Store(stack.settings)
    report = RunReport.model_validate_json(store.get(result.report.key))
    assert report.cases[0].reason == "fail by Ada: mumbles"
    assert store.get(result.junit.key).startswith(b"<?xml")


async def test_temporal_keeps_nothing_that_anybody_said(
    stack: LocalStack, temporal: Client, clinic: str, pushed: str
) -> None:
    """Not a phrase of any call, and no evidence that quotes one, in the whole database of the Temporal server."""
    voicewright = Voicewright(temporal)
    agent = f"{clinic}?bugs=wrong_closing_hour"
    run_id = await voicewright.start(RunRequest(suite=pushed, cases=("opening-hours",), agent_url=agent))
    await settle(voicewright, run_id)
    store = S3Store(stack.settings)
    said: set[str] = set()
    for key in store.list_keys("runs/"):
        if key.endswith("/transcript.json"):
            transcript = Transcript.model_validate_json(store.get(key))
            for side in (transcript.agent, transcript.caller):
                words = side.text().split()
                said |= {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}
        elif key.endswith("/verdict.json"):
            verdict = Verdict.model_validate_json(store.get(key))
            said |= {check.evidence for check in verdict.checks if check.outcome is not CheckOutcome.PASSED}
    phrases = [phrase.encode() for phrase in said if len(phrase) >= _TELLING]
    assert len(phrases) > 20
    kept = b"".join(map(present, stack.data.glob("temporal.db*")))
    assert run_id.encode() in kept
    assert not [phrase for phrase in phrases if phrase in kept]


def present(file: Path) -> bytes:
    """What a file holds; nothing where it is gone: the server removes its journal whenever it likes."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def worker_pid(stack: LocalStack, name: str) -> int:
    return int(json.loads((stack.data / "stack.json").read_text())["processes"][name])


@pytest.mark.timeout(1200)
async def test_a_worker_killed_in_each_step_costs_nothing(
    stack: LocalStack, temporal: Client, clinic: str, pushed: str
) -> None:
    """`kill -9` in every step, three runs at once: each ends with one result, and no recorded call is dialled again."""
    voicewright = Voicewright(temporal)
    store = S3Store(stack.settings)

    async def under_fire(worker: str, case: str, bug: str, *steps: Step) -> tuple[CaseResult, int]:
        run_id = await voicewright.start(RunRequest(suite=pushed, cases=(case,), agent_url=f"{clinic}{bug}"))
        case_id = f"{run_id}/{case}/en/1"
        killed: set[int] = set()
        for step in steps:
            await until_in(voicewright, case_id, step)
            if step is Step.CALL:
                await until_talking(store, run_id)
            if step is Step.REVIEW and "stuttered" in (await why(voicewright, case_id)):
                return await under_fire(worker, case, bug, *steps)  # rightly errored: the machine was too busy to call
            while (pid := worker_pid(stack, worker)) in killed:
                await asyncio.sleep(0.1)  # the supervisor is starting it again
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
            if step is Step.REVIEW:
                assert (await decide_patiently(voicewright, case_id)).reviewer == "Ada"
        assert (await wait_patiently(voicewright, run_id)).done == 1
        [result] = case_results(store, run_id)
        return result, sum("/dial-" in key for key in store.list_keys(f"runs/{run_id}/"))

    heard, called, judged = await asyncio.gather(
        under_fire("speech", "price", "", Step.SYNTHESIZE, Step.TRANSCRIBE, Step.VALIDATE),
        under_fire("calls", "opening-hours", "", Step.CALL),
        under_fire("workflows-integrations", "parking", "?bugs=mumbles", Step.REVIEW, Step.FILE_DEFECT, Step.RECORD),
    )
    for result, dials in (heard, called, judged):
        assert result.outcome is not Outcome.ERRORED, result.reason
        assert result.call is not None
        assert dials == result.call.dials
    assert called[1] == 2  # the first call died with its worker
    assert judged[0].outcome is Outcome.FAILED
    seen = [one.workflow_id for defect in DefectLog(store).defects(pushed) for one in defect.occurrences]
    assert seen.count(judged[0].workflow_id) == 1


async def until_in(voicewright: Voicewright, case_id: str, step: Step) -> None:
    """Until the case is in `step`, or past it: the short steps may be over before they are seen."""
    order = list(Step)

    def come(state: CaseState) -> bool:
        return order.index(state.step) >= order.index(step)

    await until(partial(voicewright.case, case_id), come, every_s=0.02, forgive=Exception)


async def why(voicewright: Voicewright, case_id: str) -> str:
    verdict = (await voicewright.case(case_id)).verdict
    return verdict.headline if verdict else ""


async def until_talking(store: S3Store, run_id: str) -> None:
    """Until the agent was dialled, and a little longer: into the middle of the conversation."""
    await until_true(lambda: any("/dial-" in key for key in store.list_keys(f"runs/{run_id}/")), every_s=0.1)
    await asyncio.sleep(2)


async def decide_patiently(voicewright: Voicewright, case_id: str) -> ReviewDecision:
    async def decided() -> ReviewDecision:
        with contextlib.suppress(Exception):  # an answer may be lost, and its decision taken
            if (taken := (await voicewright.case(case_id)).review) is not None:
                return taken
        return await voicewright.decide(case_id, ReviewSubmission(verdict="fail", reviewer="Ada"))

    return await until(decided, every_s=1, forgive=Exception)


async def wait_patiently(voicewright: Voicewright, run_id: str) -> RunProgress:
    handle = voicewright.temporal.get_workflow_handle(run_id, result_type=RunResult)
    await asyncio.wait_for(handle.result(), PATIENCE_S)
    return await until(partial(voicewright.progress, run_id), every_s=1, forgive=Exception)


async def test_cancelling_a_run_hangs_up_the_live_call(
    stack: LocalStack, temporal: Client, clinic: str, pushed: str
) -> None:
    voicewright = Voicewright(temporal)
    run_id = await voicewright.start(RunRequest(suite=pushed, tags=("booking",), agent_url=clinic, max_parallel=2))
    await until(partial(voicewright.progress, run_id), lambda progress: progress.running == 2)
    await until_in(voicewright, f"{run_id}/book-half-past/en/1", Step.CALL)
    cancelled = await asyncio.to_thread(stack.cli, "runs", "cancel", run_id)
    assert cancelled.returncode == 0
    progress = await voicewright.wait(run_id)
    assert progress.cancelled
    shown = await asyncio.to_thread(stack.cli, "runs", "show", run_id)
    assert "cancelled" in shown.stdout
    assert "a call in flight was hung up" in shown.stdout
    assert progress.recent
    assert all(update.phase is CasePhase.FINISHED for update in progress.recent)


def test_no_agent_is_errored_not_failed(stack: LocalStack) -> None:
    done = stack.cli("run", str(SUITE), "--case", "greeting", "--agent", "ws://127.0.0.1:9/media")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "could not connect to the agent" in done.stdout


def test_a_case_in_quarantine_stops_no_build(stack: LocalStack, pushed: str, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    put = stack.cli("quarantine", "add", pushed, "greeting", "--reason", "its agent moves", "--owner", "Ada")
    assert put.returncode == 0, put.stderr
    assert "Ada" in stack.cli("quarantine", "list", pushed).stdout
    options = ("--case", "greeting", "--agent", "ws://127.0.0.1:9/media", "--junit", str(junit))
    done = stack.cli("run", str(SUITE), *options)
    taken = stack.cli("quarantine", "remove", pushed, "greeting")
    assert taken.returncode == 0, taken.stderr
    assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr
    assert "1 of them are in quarantine" in " ".join(done.stdout.split())
    xml = JUnitXml.fromfile(str(junit))
    assert (xml.errors, xml.skipped) == (0, 1)
    again = stack.cli("quarantine", "remove", pushed, "greeting")
    assert (again.returncode, "is in quarantine" in again.stderr) == (ExitCode.BAD_INPUT, True)


def test_a_run_is_judged_again_without_calling_anybody(stack: LocalStack) -> None:
    """The clean run, the largest here: the same judge on the same recordings says the same of every case."""
    store = S3Store(stack.settings)
    runs = Counter(key.split("/")[1] for key in store.list_keys("runs/") if key.endswith("/verdict.json"))
    [(run, cases)] = runs.most_common(1)
    dials = sum("/dial-" in key for key in store.list_keys(f"runs/{run}/"))
    done = stack.cli("judge", "rescore", run)
    assert done.returncode == 0, done.stderr
    assert f"{cases} cases judged again, 0 would be decided otherwise" in done.stdout
    assert sum("/dial-" in key for key in store.list_keys(f"runs/{run}/")) == dials
    unknown = stack.cli("judge", "rescore", "run-nobody")
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr


def test_the_verdict_says_who_judged(stack: LocalStack) -> None:
    store = S3Store(stack.settings)
    keys = [key for key in store.list_keys("runs/") if key.endswith("/result.json")]
    judged = [json.loads(store.get(key))["verdict"] for key in keys[:20]]
    verdicts = [verdict for verdict in judged if verdict]
    assert verdicts
    assert verdicts
    assert all("rules" in verdict["judge"] and "meaning" in verdict["judge"] for verdict in verdicts)
    assert {verdict["decision"] for verdict in verdicts} <= set(Decision)
