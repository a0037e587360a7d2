"""Open reviews keep nobody waiting who does not want to, are listed in pages, and outages are waited out."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest
from fakes import Steps
from patience import until
from serving import dev_server, serving, unique
from temporalio.client import Client
from test_documented_programs import python_of, run

from voicewright.client import CursorError, ReviewEntry, UnansweredError, Voicewright
from voicewright.client import reviews as queue
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.review import ReviewSubmission
from voicewright.contracts.run import RunRequest
from voicewright.contracts.verdict import Decision


def unsure(_: CaseKey) -> Decision:
    return Decision.REVIEW


def first_is_unsure(key: CaseKey) -> Decision:
    return Decision.REVIEW if key.case == "c0" else Decision.PASS


async def test_watching_ends_when_only_people_are_missing(real: Client) -> None:
    async with serving(real, Steps(cases=3, decide=first_is_unsure)):
        voicewright = Voicewright(real)
        run_id = await voicewright.start(RunRequest(suite="s"), run_id=unique("run"))
        async with asyncio.timeout(60):
            async for progress in voicewright.watch(run_id):
                last = progress
        assert (last.finished, last.counts, last.reviewing_total) == (False, {Outcome.PASSED: 2}, 1)
        assert last.only_reviews_left
        waited = asyncio.create_task(voicewright.wait(run_id))
        await asyncio.sleep(1)
        assert not waited.done()  # who waits for the end waits for people too
        await voicewright.decide(f"{run_id}/c0/en/1", ReviewSubmission(verdict="pass", reviewer="Ada"))
        async with asyncio.timeout(60):
            assert (await waited).counts == {Outcome.PASSED: 3}


async def test_the_documented_program_ends_with_a_review_open(real: Client, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(python_of("docs/ci.md"))
    async with serving(real, Steps(cases=2, decide=first_is_unsure)):
        async with asyncio.timeout(120):
            status, output = await run(real, sys.executable, str(tmp_path / "program.py"))
        assert status == 4, output
        [waiting] = [one for one in await Voicewright(real).reviews() if one.workflow_id.startswith("run-clinic-")]
        await Voicewright(real).cancel(waiting.workflow_id.partition("/")[0])


async def test_an_outage_of_every_worker_is_waited_out_with_one_line(real: Client) -> None:
    voicewright = Voicewright(real)
    run_id = unique("run")
    await voicewright.start(RunRequest(suite="s"), run_id=run_id)  # nobody serves it
    told: list[str] = []
    with pytest.raises(UnansweredError):
        await anext(voicewright.watch(run_id, patience_s=0.0))

    async def follow() -> int:
        async for progress in voicewright.watch(run_id, patience_s=120, waiting=told.append):
            done = progress.done
        return done

    following = asyncio.create_task(follow())
    while not told:
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)
    async with serving(real, Steps(cases=2)), asyncio.timeout(90):
        assert await following == 2
    assert len(told) == 1
    assert run_id in told[0]


async def test_a_temporal_that_hangs_is_waited_out() -> None:
    """Its process is stopped in the middle of a run, as on a machine that swaps, and goes on later."""
    before = {child.pid for child in psutil.Process().children()}
    async with dev_server() as client:
        [server] = [child for child in psutil.Process().children() if child.pid not in before]
        voicewright = Voicewright(client)
        told: list[str] = []
        async with serving(client, Steps(cases=2, call_s=2)):
            run_id = await voicewright.start(RunRequest(suite="s"), run_id=unique("run"))
            server.suspend()
            asyncio.get_running_loop().call_later(20, server.resume)
            async with asyncio.timeout(200):
                async for progress in voicewright.watch(run_id, waiting=told.append):
                    last = progress
        assert last.counts == {Outcome.PASSED: 2}
        assert len(told) == 1


async def test_a_long_queue_is_read_in_pages_the_longest_waiting_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than Temporal lists in one answer: pages are cut out by time, and nothing is lost or seen twice."""
    monkeypatch.setattr(queue, "_AT_ONCE", 12)
    async with dev_server() as client, serving(client, Steps(cases=40, parallel=8, decide=unsure)):
        voicewright = Voicewright(client)
        for _ in range(2):
            await client.start_workflow("VoiceTestRun", {"suite": "s"}, id=unique("run"), task_queue=WORKFLOWS)
        await until(voicewright.review_backlog, lambda waiting: waiting == 80)
        seen: list[ReviewEntry] = []
        after, pages = "", 0
        while True:
            page = await voicewright.review_page(limit=7, after=after)
            seen += page.entries
            pages += 1
            if not page.following:
                break
            assert len(page.entries) == 7
            after = page.following
        assert pages == 12
        assert len({entry.workflow_id for entry in seen}) == len(seen) == 80
        assert [entry.since for entry in seen] == sorted(entry.since for entry in seen)
        assert [entry.workflow_id for entry in await voicewright.reviews()] == [entry.workflow_id for entry in seen]
        # What is decided meanwhile leaves the queue, and the cursor stays good.
        first = await voicewright.review_page(limit=7)
        for entry in first.entries:
            await voicewright.decide(entry.workflow_id, ReviewSubmission(verdict="pass", reviewer="Ada"))
        following = await voicewright.review_page(limit=7, after=first.following)
        assert [entry.workflow_id for entry in following.entries] == [entry.workflow_id for entry in seen[7:14]]


@pytest.mark.parametrize(
    "cursor", ["x", "é", "AAAA", "W10", "bnVsbA", "eyJzaW5jZSI6IjIwMjYtMDEtMDEiLCJpZCI6IjEifQ", "9" * 5000, "\ud800"]
)
async def test_what_is_no_cursor_is_refused(real: Client, cursor: str) -> None:
    with pytest.raises(CursorError):
        await Voicewright(real).review_page(after=cursor)
