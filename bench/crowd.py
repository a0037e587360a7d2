"""A hundred calls asked of one worker at once, beside other work: are the frames of those that it takes on time?

    python bench/crowd.py --calls 100 --load 2

Starts a local stack of its own, an agent for the other end, and as many processes that compute without a pause. Ends
when every call was held. The exit code is 1 where a frame was more than 40 ms late.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil
import yaml
from far_end import far_end
from outset import start
from tqdm import tqdm

from voicewright.client import Voicewright
from voicewright.contracts.call import CallRecord
from voicewright.contracts.run import RunRequest
from voicewright.runtime.free_port import free_port
from voicewright.store.keys import run_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite
from workers.local import Ports, running_stack

LATE_MS = 40.0
SUITE = {
    "suite": "crowd",
    "agent": {"channel": "media_stream", "url": "ws://127.0.0.1:1/"},
    "cases": [
        {
            "id": "call",
            "turns": [
                {"expect": {}},
                {"say": "I would like to book an appointment on Tuesday.", "expect": {}},
                {"say": "Half past nine, if that is possible.", "expect": {}},
                {"say": "Thank you very much, and goodbye.", "expect": {}},
            ],
        }
    ],
}


@contextlib.contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that compute without a pause, each in a session of its own, as a stranger's would be."""
    running = [
        subprocess.Popen([sys.executable, "-c", "while True: sum(range(100000))"], start_new_session=True)
        for _ in range(processes)
    ]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def at_once(records: list[CallRecord], began: list[float]) -> int:
    """The most calls that were up at one time."""
    moments = [(at, 1) for at in began]
    moments += [(at + record.duration_ms / 1000, -1) for at, record in zip(began, records, strict=True)]
    up = most = 0
    for _, change in sorted(moments):
        up += change
        most = max(most, up)
    return most


async def records_of(store: S3Store, run_id: str, wanted: int, patience_s: float) -> list[CallRecord]:
    """The calls of a run, once all were held."""
    known: dict[str, CallRecord] = {}
    until = time.monotonic() + patience_s
    with tqdm(total=wanted, unit="call") as bar:
        while len(known) < wanted and time.monotonic() < until:
            await asyncio.sleep(2)
            keys = await asyncio.to_thread(lambda: list(store.list_keys(run_key(run_id, "cases/"))))
            for key in keys:
                if key.endswith("/call.json") and key not in known:
                    known[key] = CallRecord.model_validate_json(await asyncio.to_thread(store.get, key))
                    bar.update()
    return list(known.values())


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--load", type=int, default=2, help="processes that compute meanwhile")
    parser.add_argument("--patience", type=float, default=500.0, help="in s")
    given = parser.parse_args()
    os.environ["VOICEWRIGHT_CALLS_PER_WORKER"] = str(given.calls)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "crowd.yaml"
        file.write_text(yaml.safe_dump(SUITE))
        async with (
            far_end("agent", "ws:") as far,
            running_stack(Path(folder), Ports(*(free_port() for _ in range(4)))) as stack,
        ):
            store = S3Store(stack.settings)
            push(store, *load_suite(file))
            voicewright = await Voicewright.connect(stack.settings)
            worker = psutil.Process(stack.processes.pids["calls"])
            request = RunRequest(
                suite="crowd",
                agent_url=f"{far.address}?delay_ms=800",
                repeats=given.calls,
                max_parallel=given.calls,
            )
            with load(given.load):
                before, began = sum(worker.cpu_times()[:2]), time.monotonic()
                run_id = await voicewright.start(request)
                records = await records_of(store, run_id, given.calls, given.patience)
                took, spent = time.monotonic() - began, sum(worker.cpu_times()[:2]) - before
            await voicewright.cancel(run_id)
    return figures(records, given, took, spent)


def figures(records: list[CallRecord], given: argparse.Namespace, took: float, spent: float) -> int:
    """Print them; the exit code."""
    began = [datetime.fromisoformat(record.started_at).timestamp() for record in records]
    spoken_s = sum(record.duration_ms for record in records) / 1000
    worst = sorted(record.pacing.late_max_ms for record in records)
    p99 = sorted(record.pacing.late_p99_ms for record in records)
    late = sum(ms > LATE_MS for ms in worst)
    print(f"{len(records)} of {given.calls} calls held in {took:.0f} s beside {given.load} busy processes")
    print(f"  most at once                      {at_once(records, began):6}")
    print(f"  processor per call                {100 * spent / max(1, spoken_s):6.1f} % of a core")
    if worst:
        print(f"  frames late, p99: median call     {p99[len(p99) // 2]:6.1f} ms, worst call {p99[-1]:.1f} ms")
        print(f"  latest frame: median call         {worst[len(worst) // 2]:6.1f} ms, worst call {worst[-1]:.1f} ms")
    print(f"  calls with a frame over {LATE_MS:.0f} ms late {late:6}")
    print(f"  frames not sent                   {sum(record.pacing.frames_lost for record in records):6}")
    return 1 if late or len(records) < given.calls else 0


if __name__ == "__main__":
    start(main)
