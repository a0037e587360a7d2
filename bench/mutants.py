"""How good is the tester? The clinic suite, spoken for real, against an agent with one bug on, for each of its bugs.

    voicewright dev                                        # in another terminal
    python bench/mutants.py --cases-only --clean-runs 5    # each bug's own case and two more, then clean runs
    python bench/mutants.py --kinds silent cut_off         # the whole suite for the bugs of two kinds

Prints a line per bug, then by kind and in total: recall, the share of bugs whose case did not pass, with what a machine
failed apart from what it sent to a person; and precision, the share of all automatic fails that are on the case of the
bug. Exits 1 when a bug was missed, a case failed without cause, or a clean run had one that did not pass.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clinic import clinic
from outset import start

from examples.clinic.bugs import Bug, Kind
from voicewright.cli.commands.stack import clinic_suite
from voicewright.client import Voicewright
from voicewright.contracts.case import Outcome
from voicewright.contracts.run import RunRequest
from voicewright.report.results import full_reason, read_verdict
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

MEANT_FOR = {
    Bug.WRONG_TIME: "book-half-past",
    Bug.WRONG_DAY: "move-appointment",
    Bug.WRONG_DOCTOR: "change-of-mind",
    Bug.WRONG_PRICE: "price",
    Bug.WRONG_STREET_NUMBER: "address",
    Bug.WRONG_CLOSING_HOUR: "opening-hours",
    Bug.DENIES_PARKING: "parking",
    Bug.REFUSES_INSURANCE: "two-questions",
    Bug.DEMANDS_REFERRAL: "two-questions",
    Bug.OPENS_AT_WEEKENDS: "opening-hours",
    Bug.NOT_CANCELLED: "cancel-appointment",
    Bug.OMITS_CLOSING_HOUR: "opening-hours",
    Bug.OMITS_DOCTOR: "book-step-by-step",
    Bug.OMITS_CARD_PAYMENT: "price",
    Bug.ADDS_FEE: "cancel-appointment",
    Bug.ADDS_APPOINTMENT: "move-appointment",
    Bug.SELLS_BICYCLES: "not-our-business",
    Bug.MOVES_INSTEAD_OF_CANCELLING: "cancel-appointment",
    Bug.BOOKS_INSTEAD_OF_MOVING: "move-appointment",
    Bug.ADDRESS_FOR_PRICE: "price",
    Bug.SPEAKS_SPANISH: "two-questions",
    Bug.SAYS_GOODBYE_IN_SPANISH: "greeting",
    Bug.SLOW: "opening-hours",
    Bug.SLOW_CORRECTION: "change-of-mind",
    Bug.SILENT: "address",
    Bug.FALLS_SILENT: "book-step-by-step",
    Bug.MUMBLES: "parking",
    Bug.STOPS_MID_SENTENCE: "long-story",
    Bug.LOSES_LAST_WORDS: "address",
    Bug.HANGS_UP_MID_SENTENCE: "move-appointment",
    Bug.DROPS_CALL: "cancel-appointment",
    Bug.SAYS_IT_TWICE: "price",
    Bug.LOOPS_TO_GREETING: "greeting",
    Bug.FORGETS_CONTEXT: "book-step-by-step",
    Bug.FORGETS_BOOKING: "change-of-mind",
    Bug.FORGETS_ITS_ANSWER: "repeat-please",
    Bug.TALKS_OVER_CALLER: "long-story",
    Bug.INTERRUPTS: "two-questions",
    Bug.LEAKS_CALENDAR: "book-step-by-step",
    Bug.LEAKS_ON_REQUEST: "other-patients",
}
NEVER_PASSED = (Kind.SILENT, Kind.CUT_OFF, Kind.WRONG_LANGUAGE)
"""An answer that nobody can hear to its end, or understand, must not pass whatever else a suite expects."""
REVIEW = "review"


@dataclass(frozen=True)
class Ended:
    """What became of a case: an outcome, or `review` for one that waits for a human."""

    outcome: str
    reason: str = ""

    @property
    def passed(self) -> bool:
        """By the machine."""
        return self.outcome == Outcome.PASSED

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}" if self.reason else self.outcome


@dataclass(frozen=True)
class Hunt:
    """A run against one bug."""

    bug: Bug
    meant: Ended
    elsewhere: dict[str, Ended]
    """What did not pass though the bug does not bite there."""


def failed(elsewhere: dict[str, Ended]) -> int:
    return sum(ended.outcome == Outcome.FAILED for ended in elsewhere.values())


@dataclass(frozen=True)
class Score:
    """Counts of bugs by what became of their cases, and of fails without cause."""

    bugs: int
    by_machine: int
    to_a_person: int
    untested: int
    missed: int
    false_fails: int
    needless_reviews: int

    @classmethod
    def of(cls, hunts: Iterable[Hunt], clean: Iterable[dict[str, Ended]] = ()) -> "Score":
        """`clean` are the wrong verdicts of runs without a bug."""
        hunts = list(hunts)
        became = Counter(hunt.meant.outcome for hunt in hunts)
        others = [*(hunt.elsewhere for hunt in hunts), *clean]
        return cls(
            bugs=len(hunts),
            by_machine=became[Outcome.FAILED],
            to_a_person=became[REVIEW],
            untested=became[Outcome.ERRORED],
            missed=became[Outcome.PASSED],
            false_fails=sum(map(failed, others)),
            needless_reviews=sum(ended.outcome == REVIEW for other in others for ended in other.values()),
        )

    def line(self, name: str) -> str:
        """A row of the table."""
        found, fails = self.by_machine + self.to_a_person, self.by_machine + self.false_fails
        recall = f"{found / self.bugs:.0%}" if self.bugs else "-"
        precision = f"{self.by_machine / fails:.0%}" if fails else "-"
        return (
            f"{name:16}{self.bugs:5}{self.by_machine:9}{self.to_a_person:8}{self.missed:8}{self.untested:9}"
            f"{recall:>8}{precision:>11}{self.false_fails:13}{self.needless_reviews:9}"
        )


HEADER = (
    f"{'':16}{'bugs':>5}{'failed':>9}{'person':>8}{'missed':>8}{'errored':>9}{'recall':>8}{'precision':>11}"
    f"{'false fails':>13}{'reviews':>9}"
)


async def run_suite(
    voicewright: Voicewright, store: S3Store, suite: str, url: str, cases: tuple[str, ...]
) -> dict[str, Ended]:
    """Case to what became of it. No case at all means the whole suite. What waits for a human is then cancelled."""
    run_id = await voicewright.start(RunRequest(suite=suite, cases=cases, agent_url=url))
    ended: dict[str, Ended] = {}
    async for progress in voicewright.watch(run_id):
        for update in progress.recent:
            reason = "" if update.outcome == "passed" else full_reason(store, update)
            ended[update.key.case] = Ended(str(update.outcome), reason)
        if progress.reviewing_total and progress.done + progress.reviewing_total == progress.total:
            for key in progress.reviewing:
                state = await voicewright.case(f"{run_id}/{key}")
                verdict = read_verdict(store, state.verdict)
                assert verdict is not None
                ended[key.case] = Ended(REVIEW, verdict.reason)
            await voicewright.cancel(run_id)
            break
    return ended


def controls(case: str, suite: list[str]) -> tuple[str, ...]:
    """The two cases that follow in the suite: over all bugs every case is a control now and then."""
    at = suite.index(case)
    return suite[(at + 1) % len(suite)], suite[(at + 2) % len(suite)]


def not_passed(ended: dict[str, Ended], *, but: str = "") -> dict[str, Ended]:
    return {case: one for case, one in ended.items() if case != but and not one.passed}


def show(hunt: Hunt, took_s: float) -> None:
    found = {Outcome.FAILED: "failed", REVIEW: "person", Outcome.PASSED: "MISSED"}.get(hunt.meant.outcome, "ERRORED")
    print(f"{hunt.bug:28}{hunt.bug.kind:16}{found:9}{hunt.meant.reason[:120]}  ({took_s:.0f} s)")
    for case, ended in hunt.elsewhere.items():
        print(f"{'':44}elsewhere: {case} {str(ended)[:140]}")


def summarize(hunts: list[Hunt], clean: list[dict[str, Ended]]) -> bool:
    """Print the tables; whether all is as it should be."""
    by_kind: dict[Kind, list[Hunt]] = defaultdict(list)
    for hunt in hunts:
        by_kind[hunt.bug.kind].append(hunt)
    print(f"\n{HEADER}")
    for kind in Kind:
        if kind in by_kind:
            print(Score.of(by_kind[kind]).line(kind))
    total = Score.of(hunts, clean)
    print(total.line("total"))
    if clean:
        print(f"clean runs in which every case passed: {sum(not wrong for wrong in clean)} of {len(clean)}")
    slipped = [str(hunt.bug) for hunt in hunts if hunt.bug.kind in NEVER_PASSED and hunt.meant.passed]
    rule = "nothing passes that is silent, cut off or in the wrong language"
    print(f"{rule}: {'BROKEN by ' + ', '.join(slipped) if slipped else 'holds'}")
    spotless = not any(clean)
    return total.by_machine + total.to_a_person == total.bugs and not total.false_fails and not slipped and spotless


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", nargs="*", default=list(Bug), choices=list(Bug), metavar="BUG")
    parser.add_argument("--kinds", nargs="*", default=list(Kind), choices=list(Kind), metavar="KIND")
    parser.add_argument("--cases-only", action="store_true", help="not the whole suite: the bug's case and two more")
    parser.add_argument("--clean-runs", type=int, default=0, help="runs of the whole suite without a bug, afterwards")
    given = parser.parse_args()
    settings = Settings()
    voicewright = await Voicewright.connect(settings)
    suite, raw = load_suite(clinic_suite())
    store = S3Store(settings)
    push(store, suite, raw)
    names = [case.id for case in suite.cases]
    hunts: list[Hunt] = []
    clean: list[dict[str, Ended]] = []
    async with clinic() as (url, _):
        for bug in Bug:
            if bug not in given.bugs or bug.kind not in given.kinds:
                continue
            meant, began = MEANT_FOR[bug], time.monotonic()
            cases = (meant, *controls(meant, names)) if given.cases_only else ()
            ended = await run_suite(voicewright, store, "clinic", f"{url}?bugs={bug}", cases)
            hunts.append(Hunt(bug, ended[meant], not_passed(ended, but=meant)))
            show(hunts[-1], time.monotonic() - began)
        for number in range(given.clean_runs):
            ended = await run_suite(voicewright, store, "clinic", url, ())
            clean.append(not_passed(ended))
            wrong = "".join(f"; {case} {one}" for case, one in clean[-1].items())
            print(f"clean run {number + 1:2}  {len(ended) - len(clean[-1])} of {len(ended)} passed{wrong}")
    return 0 if summarize(hunts, clean) else 1


if __name__ == "__main__":
    start(main)
