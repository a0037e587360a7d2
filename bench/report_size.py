"""How large is the report of 200 cases without its audio, and how soon does Chromium show it from a file?

    python bench/report_size.py --cases 200

Cases are like the clinic's: four turns, sixty words a side, ten checks, half a minute.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import async_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "unit")]

from outset import start
from test_report import Shelf, check, report, result

from voicewright.contracts.call import CallRecord, Side, TurnTiming, Waveform
from voicewright.contracts.case import Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.transcript import SideTranscript, Transcript, Word
from voicewright.report.build import Links, build_report
from voicewright.report.waveform import LEVELS

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
LEXICON = [
    "the",
    "a",
    "you",
    "i",
    "we",
    "to",
    "of",
    "and",
    "is",
    "on",
    "at",
    "for",
    "in",
    "your",
    "booked",
    "with",
    "doctor",
    "adams",
    "tuesday",
    "thirty",
    "nine",
    "appointment",
    "please",
    "can",
    "help",
    "anything",
    "else",
    "clinic",
    "morning",
    "afternoon",
    "behind",
    "building",
    "parking",
    "free",
    "price",
    "first",
    "visit",
    "eighty",
    "dollars",
    "open",
    "from",
    "eight",
    "until",
    "six",
    "sorry",
    "repeat",
    "that",
    "again",
    "thank",
    "goodbye",
    "cancel",
    "move",
    "change",
    "monday",
    "wednesday",
    "friday",
    "brown",
    "carter",
]
TURNS, WORDS, CHECKS, BUCKETS = 4, 60, 10, 300


def furnish(shelf: Shelf, case: str, chance: random.Random) -> None:
    """Replace the bare call and transcript of a case by ones of real size."""
    record = CallRecord.model_validate_json(shelf.objects[f"{case}.json"])
    wave = Waveform(
        caller="".join(chance.choice(LEVELS) for _ in range(BUCKETS)),
        agent="".join(chance.choice(LEVELS) for _ in range(BUCKETS)),
    )
    turns = tuple(
        TurnTiming(
            turn=number,
            caller_start_ms=number * 7000,
            caller_end_ms=number * 7000 + 2500,
            agent_start_ms=number * 7000 + 3000 + chance.randrange(900),
            agent_end_ms=number * 7000 + 6000,
            ttfa_ms=500 + chance.randrange(900),
        )
        for number in range(TURNS)
    )
    record = record.model_copy(update={"waveform": wave, "turns": turns, "duration_ms": BUCKETS * 100})
    shelf.objects[f"{case}.json"] = record.model_dump_json().encode()
    sides = [
        SideTranscript(
            side=side,
            language="en",
            words=tuple(
                Word(
                    text=chance.choice(LEXICON),
                    start_ms=number * 400 + chance.randrange(200),
                    end_ms=number * 400 + 200 + chance.randrange(200),
                    confidence=chance.random(),
                    turn=number * TURNS // WORDS,
                )
                for number in range(WORDS)
            ),
        )
        for side in (Side.CALLER, Side.AGENT)
    ]
    heard = Transcript(recogniser="whisper base", caller=sides[0], agent=sides[1])
    shelf.objects[f"{case}-words.json"] = heard.model_dump_json().encode()


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    given = parser.parse_args()
    chance = random.Random(1)  # noqa: S311 - repeatable
    shelf, cases = Shelf(), []
    for number in range(given.cases):
        name = f"case-{number}"
        failed = number % 10 == 0
        first = CheckOutcome.FAILED if failed else CheckOutcome.PASSED
        checks = tuple(
            check(
                "meaning" if at else "time",
                CheckOutcome.PASSED if at else first,
                " ".join(chance.choices(LEXICON, k=12)),
                turn=at % TURNS,
                actual=" ".join(chance.choices(LEXICON, k=20)),
            )
            for at in range(CHECKS)
        )
        cases.append(result(shelf, name, Outcome.FAILED if failed else Outcome.PASSED, checks))
        furnish(shelf, name, chance)
    built = build_report(shelf, report(*cases), Links("http://127.0.0.1:8080"), audio_budget=0)
    print(f"report of {given.cases} cases without audio: {len(built.html) / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_bytes(built.html)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            times = []
            for _ in range(5):
                tab = await browser.new_page()
                began = time.monotonic()
                await tab.goto(file.as_uri())
                await tab.wait_for_selector("html[data-ready]")
                rows = await tab.locator("#cases tbody tr").count()
                times.append(time.monotonic() - began)
                await tab.close()
            await browser.close()
    median, worst = 1000 * sorted(times)[2], 1000 * max(times)
    print(f"opened from a file with {rows} rows in {median:.0f} ms (median of 5, worst {worst:.0f} ms)")
    return 0 if len(built.html) < 1_000_000 and max(times) < 2 else 1


if __name__ == "__main__":
    start(main)
