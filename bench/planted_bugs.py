"""Does the tester find each planted bug, by the case meant for it and by no other? And does a clean agent always pass?

    voicewright dev                      # in another terminal
    python bench/planted_bugs.py --clean-runs 10

Prints a line per run and, at the end, the two figures. Every run is the whole clinic suite, spoken for real.
"""

import argparse
import asyncio
import time

from clinic import clinic

from examples.clinic.bugs import Bug
from voicewright.cli.stack import clinic_suite
from voicewright.client import Voicewright
from voicewright.leave import leave
from voicewright.outcome import Outcome
from voicewright.run import RunRequest
from voicewright.s3 import S3Store
from voicewright.settings import Settings
from voicewright.suite_file import load_suite
from voicewright.suite_library import push

MEANT_FOR = {
    Bug.WRONG_TIME: "book-half-past",
    Bug.SLOW: "opening-hours",
    Bug.SILENT: "address",
    Bug.TALKS_OVER_CALLER: "long-story",
    Bug.DROPS_CALL: "cancel-appointment",
    Bug.FORGETS_CONTEXT: "book-step-by-step",
    Bug.MUMBLES: "parking",
}


async def run_suite(voicewright: Voicewright, url: str) -> dict[str, str]:
    """Case to what became of it; `review` for one that waits for a human (it is then decided as failed)."""
    run_id = await voicewright.start(RunRequest(suite="clinic", agent_url=url))
    outcomes: dict[str, str] = {}
    async for progress in voicewright.watch(run_id):
        for update in progress.recent:
            outcomes[update.key.case] = str(update.outcome)
            if update.outcome is not Outcome.PASSED:
                outcomes[update.key.case] += f": {update.reason}"
        if progress.reviewing_total and progress.done + progress.reviewing_total == progress.total:
            for key in progress.reviewing:
                state = await voicewright.case(f"{run_id}/{key}")
                assert state.verdict is not None
                outcomes[key.case] = f"review: {state.verdict.reason}"
            await voicewright.cancel(run_id)
            break
    return outcomes


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean-runs", type=int, default=10)
    parser.add_argument("--bugs", nargs="*", default=list(Bug), choices=list(Bug))
    given = parser.parse_args()
    settings = Settings()
    voicewright = await Voicewright.connect(settings)
    push(S3Store(settings), *load_suite(clinic_suite()))
    found = right = clean = 0
    async with clinic() as (url, _):
        for bug in map(Bug, given.bugs):
            began = time.monotonic()
            outcomes = await run_suite(voicewright, f"{url}?bugs={bug}")
            wrong = {case: outcome for case, outcome in outcomes.items() if outcome != "passed"}
            hit = MEANT_FOR[bug] in wrong
            elsewhere = {case: text for case, text in wrong.items() if case != MEANT_FOR[bug]}
            found += hit
            right += not elsewhere
            took = f"({time.monotonic() - began:.0f} s)"
            print(f"{bug:18} {'found' if hit else 'MISSED'}  {wrong.get(MEANT_FOR[bug], '')[:110]}  {took}")
            for case, text in elsewhere.items():
                print(f"{'':18} elsewhere: {case} {text[:120]}")
        for number in range(given.clean_runs):
            outcomes = await run_suite(voicewright, url)
            wrong = {case: outcome for case, outcome in outcomes.items() if outcome != "passed"}
            clean += not wrong and len(outcomes) > 0
            print(
                f"clean run {number + 1:2}       {len(outcomes) - len(wrong)} of {len(outcomes)} passed {wrong or ''}"
            )
    bugs = len(given.bugs)
    print(f"bugs found by the case meant for them: {found} of {bugs}; without a wrong verdict elsewhere: {right}")
    print(f"clean runs in which every case passed: {clean} of {given.clean_runs}")
    return 0 if found == right == len(given.bugs) and clean == given.clean_runs else 1


if __name__ == "__main__":
    leave(asyncio.run(main()))
