"""How long do 500 pending reviews take to list, and a decision to reach its workflow? Fake steps, all else real.

python bench/reviews.py --reviews 500
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "workflows")]

from fakes import Steps
from outset import start
from serving import serving

from voicewright.client import Voicewright
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.verdict import Decision
from voicewright.runtime.free_port import free_port
from workers.local import Ports, running_stack


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=500)
    given = parser.parse_args()
    steps = Steps(cases=given.reviews, parallel=50, decide=lambda _: Decision.REVIEW)
    with tempfile.TemporaryDirectory() as folder:
        ports = Ports(*(free_port() for _ in range(4)))
        async with running_stack(Path(folder), ports, ours=("web",)) as stack:
            voicewright = await Voicewright.connect(stack.settings)
            async with serving(voicewright.temporal, steps):
                handle = await voicewright.temporal.start_workflow(
                    "VoiceTestRun", {"suite": "s"}, id="run-reviews", task_queue=WORKFLOWS
                )
                while await voicewright.review_backlog() < given.reviews:  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.5)
                await measure(stack.settings.web_url or "", voicewright, given.reviews)
                await handle.terminate()
    return 0


def spread(times: list[float]) -> str:
    return f"{1000 * statistics.median(times):.0f} ms (median of {len(times)}, worst {1000 * max(times):.0f} ms)"


async def measure(url: str, voicewright: Voicewright, reviews: int) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as web:
        times = []
        for _ in range(10):
            began = time.monotonic()
            listed = (await web.get("/reviews")).text.count('<tr><td><a href="/reviews/')
            times.append(time.monotonic() - began)
        print(f"{listed} of {reviews} pending reviews listed in {spread(times)}")
        took = []
        for number in range(20):
            case = f"run-reviews/c{number}/en/1"
            began = time.monotonic()
            answer = await web.post(f"/reviews/{case}", data={"verdict": "pass", "reviewer": "Ada"})
            took.append(time.monotonic() - began)
            assert answer.status_code == 303, answer.text
            assert (await voicewright.case(case)).review is not None
        print(f"a decision by the form is in its workflow after {spread(took)}")


if __name__ == "__main__":
    start(main)
