"""A second agent, in another domain than the one that the checks grew up with: are its bugs found, and does it pass?

    voicewright dev                                  # in another terminal
    python bench/pizza.py --clean-runs 10            # each bug's own case, then clean runs of the whole suite
    python bench/pizza.py --bugs deaf_in_menu --clean-runs 0

Prints a line per bug and per clean run. Exits 1 when a bug's case passed, or a case of a clean run did not.
"""

import argparse
import time
from pathlib import Path

from clinic import clinic
from mutants import REVIEW, not_passed, run_suite
from outset import start

from examples.pizza.bugs import Bug
from voicewright.client import Voicewright
from voicewright.contracts.case import Outcome
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

SUITE = Path(__file__).parent.parent / "examples" / "pizza" / "suite.yaml"
MEANT_FOR = {
    Bug.FORTY_FOR_FOURTEEN: "price",
    Bug.WRONG_TOTAL: "order-for-two",
    Bug.FORGETS_EXTRA: "extra-olives",
    Bug.OTHER_PIZZA: "margherita",
    Bug.WRONG_ORDER_NUMBER: "order-number",
    Bug.DENIES_GLUTEN_FREE: "gluten-free",
    Bug.DEAF_IN_MENU: "menu",
    Bug.SLOW_ORDER: "margherita",
    Bug.HANGS_UP_ON_DELIVERY: "delivery",
    Bug.CLOSES_AT_NINE: "opening-hours",
}


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", nargs="*", default=list(Bug), choices=list(Bug), metavar="BUG")
    parser.add_argument("--clean-runs", type=int, default=10, help="runs of the whole suite without a bug, afterwards")
    given = parser.parse_args()
    settings = Settings()
    voicewright = await Voicewright.connect(settings)
    store = S3Store(settings)
    push(store, *load_suite(SUITE))
    found = spotless = 0
    async with clinic("pizza") as (url, _):
        for bug in given.bugs:
            began = time.monotonic()
            ended = await run_suite(voicewright, store, "pizza", f"{url}?bugs={bug}", (MEANT_FOR[bug],))
            case = ended[MEANT_FOR[bug]]
            found += case.outcome in {Outcome.FAILED, REVIEW}
            took_s = time.monotonic() - began
            print(f"{bug:24}{case.outcome:10}{case.reason[:140]}  ({took_s:.0f} s)", flush=True)
        for number in range(given.clean_runs):
            ended = await run_suite(voicewright, store, "pizza", url, ())
            wrong = not_passed(ended)
            spotless += not wrong
            said = "".join(f"; {case} {one}" for case, one in wrong.items())
            print(f"clean run {number + 1:2}  {len(ended) - len(wrong)} of {len(ended)} passed{said}", flush=True)
    print(f"bugs found: {found} of {len(given.bugs)}; clean runs without a blemish: {spotless} of {given.clean_runs}")
    return 0 if found == len(given.bugs) and spotless == given.clean_runs else 1


if __name__ == "__main__":
    start(main)
