"""Kill workers and servers at random while a run goes on: is anything lost, said twice or dialled again?

    python bench/chaos.py --seed 7 --kills 10              # one run of 30 cases, ten kill -9
    python bench/chaos.py --minutes 60                     # run after run, each with the next seed
    python bench/chaos.py --fault temporal s3 jira slack   # besides: restart Temporal, 30 s without S3, a bad minute
                                                           # of Jira, a Slack whose answer gets lost

Starts its own stack in a fresh folder, the clinic's agent with two bugs on, and stand-ins for Jira and Slack. Prints
the counts of every run and exits 1 when one of them is not as it should be.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from clinic import clinic

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from outset import start
from standins.jira_cloud import JiraCloud
from standins.slack_api import SlackApi

from voicewright.cli.commands.stack import clinic_suite
from voicewright.client import UnansweredError, Voicewright
from voicewright.contracts.case import CaseResult
from voicewright.contracts.run import RunProgress, RunRequest
from voicewright.defects.log import DefectLog
from voicewright.report.results import case_results
from voicewright.runtime.free_port import free_port
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite
from workers.local import Ports, Stack, running_stack

WORKERS = ("workflows-integrations", "calls", "speech")
CASES = ("opening-hours", "address", "price", "parking", "book-half-past", "cancel-appointment", "move-appointment",
         "repeat-please", "greeting", "not-our-business")  # fmt: skip
REPEATS = 3
BUGS = "wrong_time,forgets_context"
OUTAGE_S = 30.0
BAD_MINUTE_S = 60.0


@contextlib.contextmanager
def vendors() -> Iterator[tuple[JiraCloud, SlackApi]]:
    """Stand-ins, and the settings that lead to them."""
    with JiraCloud(projects=("VOICE",), issue_types=("Bug",), index_lag_s=1.0) as jira, SlackApi() as slack:
        os.environ |= {
            "VOICEWRIGHT_JIRA_URL": jira.url,
            "VOICEWRIGHT_JIRA_USER": jira.email,
            "VOICEWRIGHT_JIRA_TOKEN": jira.token,
            "VOICEWRIGHT_JIRA_PROJECT": "VOICE",
            "VOICEWRIGHT_SLACK_TOKEN": slack.token,
            "VOICEWRIGHT_SLACK_CHANNEL": "C0REVIEWS",
            "VOICEWRIGHT_SLACK_API_URL": slack.url,
        }
        yield jira, slack


class Monkey:
    """Breaks things."""

    def __init__(self, stack: Stack, chance: random.Random, jira: JiraCloud, slack: SlackApi) -> None:
        self._stack = stack
        self._chance = chance
        self._jira = jira
        self._slack = slack
        self._began = time.monotonic()
        self.kills: dict[str, int] = {}

    async def kill(self, count: int, within_s: float) -> None:
        """`kill -9` of a worker, at `count` random moments."""
        moments = sorted(self._chance.uniform(3, within_s) for _ in range(count))
        for moment in moments:
            await asyncio.sleep(max(0.0, self._began + moment - time.monotonic()))
            name = self._chance.choice(WORKERS)
            with contextlib.suppress(ProcessLookupError):  # it is being started again just now
                os.kill(self._stack.processes.pids[name], signal.SIGKILL)
                self.kills[name] = self.kills.get(name, 0) + 1

    async def fault(self, name: str) -> None:
        """One of the outages."""
        await asyncio.sleep(self._chance.uniform(10, 30))
        pids = self._stack.processes.pids
        match name:
            case "temporal":
                os.kill(pids["temporal"], signal.SIGKILL)
            case "s3":
                os.kill(pids["s3"], signal.SIGSTOP)  # connections hang, which is worse than being refused
                await asyncio.sleep(OUTAGE_S)
                os.kill(pids["s3"], signal.SIGCONT)
            case "jira":
                self._jira.fault(429, seconds=BAD_MINUTE_S / 2, retry_after=5)
                await asyncio.sleep(BAD_MINUTE_S / 2)
                self._jira.fault(503, seconds=BAD_MINUTE_S / 2)
            case "slack":
                self._slack.time_out_after_posting(1)
        print(f"  fault: {name} at {time.monotonic() - self._began:.0f} s")


async def ended(voicewright: Voicewright, run_id: str, patience_s: float) -> bool:
    """Wait for the end of a run, whatever is down meanwhile."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with contextlib.suppress(Exception):
            status = (await voicewright.temporal.get_workflow_handle(run_id).describe()).status
            if status is not None and status.name != "RUNNING":
                return True
        await asyncio.sleep(1)
    return False


async def final(voicewright: Voicewright, run_id: str) -> RunProgress:
    """The progress of a run that has ended, once a worker is up to answer."""
    while True:
        with contextlib.suppress(UnansweredError):
            return await voicewright.progress(run_id)


async def one_run(
    stack: Stack, url: str, given: argparse.Namespace, seed: int, vendor: tuple[JiraCloud, SlackApi]
) -> bool:
    """A run under fire; True when all its counts are right."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    voicewright = await Voicewright.connect(stack.settings)
    store = S3Store(stack.settings)
    push(store, *load_suite(clinic_suite()))
    request = RunRequest(suite="clinic", cases=CASES, repeats=REPEATS, agent_url=f"{url}?bugs={BUGS}")
    began = time.monotonic()
    run_id = await voicewright.start(request, run_id=f"run-chaos-{seed}-{time.time_ns()}")
    monkey = Monkey(stack, chance, *vendor)
    breaking = [monkey.kill(given.kills, given.within), *(monkey.fault(name) for name in given.fault)]
    trouble = asyncio.gather(*breaking)
    if not await ended(voicewright, run_id, given.patience):
        print(f"seed {seed}: the run did not end in {given.patience:.0f} s")
        return False
    took = time.monotonic() - began
    await trouble
    progress = await final(voicewright, run_id)
    log = DefectLog(store)
    for _ in range(300):  # cases tell the tracker after they have told their run
        if not any(defect.unpublished for defect in log.defects("clinic")):
            break
        await asyncio.sleep(1)
    results = case_results(store, run_id)
    good, redialled = counted(store, run_id, progress, results, vendor)
    right = all(is_now == wanted for is_now, wanted in good.values())
    counts = {str(outcome): count for outcome, count in progress.counts.items()}
    print(
        f"seed {seed}: {'ok' if right else 'WRONG'} in {took:.0f} s; killed {monkey.kills}; {counts}; "
        f"calls held again because they died unrecorded: {redialled}"
    )
    for name, (is_now, wanted) in good.items():
        if is_now != wanted or given.verbose:
            print(f"    {name}: {is_now} (should be {wanted})")
    for result in results:
        if result.error is not None:
            print(f"    errored: {result.key}: {result.reason[:200]}")
    return right


def counted(
    store: S3Store,
    run_id: str,
    progress: RunProgress,
    results: list[CaseResult],
    vendor: tuple[JiraCloud, SlackApi],
) -> tuple[dict[str, tuple[int, int]], int]:
    """What there is and what there should be; and how many calls had to be held again."""
    jira, slack = vendor
    dials = dict.fromkeys((result.workflow_id for result in results), 0)
    for key in store.list_keys(f"runs/{run_id}/"):
        if "/dial-" in key:
            dials[f"{run_id}/{'/'.join(key.split('/')[3:6])}"] += 1
    defects = DefectLog(store).defects("clinic")
    marked = [issue.fields["labels"][-1] for issue in jira.issues.values()]
    comments = [comment["body"].rsplit("[", 1)[-1] for issue in jira.issues.values() for comment in issue.comments]
    good = {
        "cases with one result": (len(results), len(CASES) * REPEATS),
        "counted by the run": (progress.done, len(CASES) * REPEATS),
        "recorded calls dialled again": (
            sum(result.call is not None and dials[result.workflow_id] != result.call.dials for result in results),
            0,
        ),
        "defects twice in Jira": (len(marked) - len(set(marked)), 0),
        "defects missing in Jira": (sum(f"voicewright-{defect.id}" not in marked for defect in defects), 0),
        "failures counted": (
            sum(one.run_id == run_id for defect in defects for one in defect.occurrences),
            sum(bool(result.defect) for result in results),
        ),
        "comments twice": (len(comments) - len(set(comments)), 0),
        "messages for the run": (sum(run_id in str(message.blocks) for message in slack.messages), 1),
    }
    return good, sum(count > 1 for count in dials.values())


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--within", type=float, default=120.0, help="kill within the first so many seconds of a run")
    parser.add_argument("--fault", nargs="*", default=[], choices=["temporal", "s3", "jira", "slack"])
    parser.add_argument("--minutes", type=float, default=0.0, help="go on for so long; default: one run")
    parser.add_argument("--patience", type=float, default=900.0, help="a run that takes longer has failed, in s")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    runs = right = 0
    with tempfile.TemporaryDirectory() as folder, vendors() as vendor:
        async with running_stack(Path(folder), Ports(*(free_port() for _ in range(4)))) as stack, clinic() as (url, _):
            while runs == 0 or time.monotonic() < until:
                right += await one_run(stack, url, given, given.seed + runs, vendor)
                runs += 1
    print(f"runs in which nothing was lost, said twice or dialled again: {right} of {runs}")
    return 0 if right == runs else 1


if __name__ == "__main__":
    start(main)
