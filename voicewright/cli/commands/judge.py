"""`voicewright judge`: how good automatic verdicts are, and how they learn from reviews."""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path

import typer

from voicewright.cli.app import app, command
from voicewright.cli.console import fail
from voicewright.runtime.exit import ExitCode

judge = typer.Typer(
    no_args_is_help=True,
    help="The judge of meaning: measure it, calibrate it with your reviews, judge stored calls again.",
)
app.add_typer(judge, name="judge")


@judge.command("eval")
@command
async def evaluate(
    file: Path = typer.Argument(
        help='File with one JSON object per line: {"expected", "actual", "label"?, "lang"?, "question"?, "rules"?}. '
        "It may be gzipped. `-` reads standard input."
    ),
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Write verdicts to this file instead of standard output."
    ),
    plot: Path | None = typer.Option(
        None, "--plot", help="Draw reliability and risk-coverage curves to this PNG file. Needs labels."
    ),
    condition: str = typer.Option(
        "auto",
        "--condition",
        help="How answers became text: written, recognised or unknown. auto decides for each answer.",
    ),
    risk: float | None = typer.Option(
        None, "--risk", min=1e-6, max=0.2, help="Highest share of automatic verdicts that may be wrong."
    ),
    confidence: float | None = typer.Option(
        None, "--confidence", min=0.5, max=0.9999, help="Confidence with which the labelled data must show that."
    ),
) -> int:
    """Judge pairs of expected and actual answers.

    Writes one line per pair: `{"p_pass", "verdict": "pass|fail|review", "evidence": [...]}`. If there are labels, a
    table shows ROC-AUC, calibration error, coverage and accuracy of automatic verdicts, by language and source.
    """
    arguments = ["eval", str(file), "--condition", condition]
    for option, value in (("--out", out), ("--plot", plot), ("--risk", risk), ("--confidence", confidence)):
        arguments += [option, str(value)] if value is not None else []
    return await _start("voicewright.judge", arguments)


@judge.command("calibrate")
@command
async def calibrate(
    pairs: Path | None = typer.Option(
        None, "--pairs", help="Use labelled pairs from this file instead of your reviews."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change, but store nothing."),
) -> int:
    """Fit calibration and thresholds of this project (VOICEWRIGHT_JUDGE_PROJECT) to its reviews.

    Compares before and after on reviews that were left out. Keeps the old version. Never allows more risk.
    """
    arguments = ["calibrate"]
    arguments += ["--pairs", str(pairs)] if pairs is not None else []
    return await _start("workers.judging", [*arguments, *(["--dry-run"] if dry_run else [])])


@judge.command("rescore")
@command
async def rescore(run: str = typer.Argument(help="Id of a run; `voicewright runs list` shows them.")) -> int:
    """Judge the stored calls of a run again and show which verdicts would change. Makes no calls, changes nothing."""
    return await _start("workers.judging", ["rescore", run])


async def _start(module: str, arguments: list[str]) -> int:
    """The judge needs packages that a client does not have: it is a program of its own."""
    extra = "judge" if module.startswith("voicewright.") else "local"
    if find_spec(module.partition(".")[0]) is None or find_spec("onnxruntime") is None:
        fail(f"this command needs more packages; run: pip install 'voicewright[{extra}]'")
        return ExitCode.BAD_INPUT
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments)
    return await process.wait()
