"""How long each query takes that a page asks of the records: on SQLite, and on PostgreSQL where it is installed.

    python bench/records.py [--runs 200] [--cases 50] [--times 30]

No stack is needed. Prints milliseconds: median, 95th percentile and slowest of so many times, each on a connection of
the pool.
Exits 1 when the 95th percentile of a query is above 300 ms.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import invented_records as invented
from databases import new_database, postgresql, programs
from outset import start

from voicewright.contracts.case import CaseKey, Outcome
from voicewright.records import Records, open_database, upgrade
from voicewright.records.figures import Scope

LIMIT_MS = 300.0


@contextlib.contextmanager
def addresses() -> Iterator[dict[str, str]]:
    """A database of each kind that can be had here."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        found = {"sqlite": f"sqlite:///{folder}/records.db"}
        if (installed := programs()) is not None:
            found["postgresql"] = stack.enter_context(new_database(stack.enter_context(postgresql(installed))))
        yield found


def fill(records: Records, runs: int, cases: int) -> tuple[float, float]:
    """Seconds for all, and milliseconds for one case by itself."""
    began = time.perf_counter()
    for number in range(runs):
        run = invented.run(number, cases=cases)
        records.record_run(run)
        records.record_cases(list(invented.cases(run)))
    took = time.perf_counter() - began
    alone = list(invented.cases(invented.run(0, cases=cases)))
    began = time.perf_counter()
    for case in alone:
        records.record_cases([case])
    return took, (time.perf_counter() - began) / len(alone) * 1000


def queries(records: Records) -> dict[str, Callable[[], object]]:
    """Every query of a page."""
    third = records.runs(before=records.runs().further)
    newest, key = records.runs().lines[0].run.started_at, CaseKey(case="case-003", language="de")
    latest = [line.run.run_id for line in third.lines] + [f"nobody-{number}" for number in range(50)]
    return {
        "/runs, first page": records.runs,
        "/runs, a later page": lambda: records.runs(before=third.further),
        "/runs, one suite": lambda: records.runs(suite="clinic"),
        "/runs, with a failed case": lambda: records.runs(outcome=Outcome.FAILED),
        "/runs, one suite, for review": lambda: records.runs(suite="clinic", waiting=True),
        "/runs, names of suites": records.suites,
        "/runs, which are recorded": lambda: records.known(latest),
        "/history, 20 runs": lambda: records.history("clinic"),
        "/reviews/CASE, how it ended lately": lambda: records.last_outcomes("clinic", key),
        "/dashboard, everything": lambda: records.figures(Scope(), newest),
        "/dashboard, one suite": lambda: records.figures(Scope(suite="clinic"), newest),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--cases", type=int, default=50, help="of each run")
    parser.add_argument("--times", type=int, default=30, help="how often each query is asked")
    given = parser.parse_args()
    slow = False
    with addresses() as found:
        for kind, url in found.items():
            engine = open_database(url)
            upgrade(engine)
            records = Records(engine)
            filled, alone = fill(records, given.runs, given.cases)
            print(f"{kind}: {given.runs} runs, {given.runs * given.cases:,} cases recorded in {filled:.0f} s; ", end="")
            print(f"one case by itself {alone:.1f} ms")
            for name, ask in queries(records).items():
                times = []
                for _ in range(given.times):
                    began = time.perf_counter()
                    ask()
                    times.append((time.perf_counter() - began) * 1000)
                p95 = sorted(times)[int(0.95 * (len(times) - 1))]
                slow = slow or p95 > LIMIT_MS
                spread = f"95th percentile {p95:6.1f} ms, slowest {max(times):6.1f} ms"
                print(f"  {name:36} median {median(times):6.1f} ms, {spread}", flush=True)
            engine.dispose()
    return int(slow)


if __name__ == "__main__":
    start(main)
