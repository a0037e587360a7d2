"""`voicewright judge`: how good automatic verdicts are, and how they learn from people."""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path

import typer

from voicewright.cli.app import app, command
from voicewright.cli.console import fail
from voicewright.outcome import ExitCode

judge = typer.Typer(
    no_args_is_help=True,
    help="The judge of meaning: measure it, calibrate it with people's decisions, judge stored calls again.",
)
app.add_typer(judge, name="judge")


@judge.command("eval")
@command
async def evaluate(
    file: Path = typer.Argument(
        help='Lines of JSON: {"expected", "actual", "label"?, "lang"?, "question"?, "rules"?}; '
        "may be gzipped; `-`: stdin."
    ),
    out: Path | None = typer.Option(None, "--out", "-o", help="Write verdicts here instead of to standard output."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw reliability and risk-coverage as PNG; needs labels."),
    condition: str = typer.Option(
        "auto", "--condition", help="How answers became text: written, recognised, unknown; auto looks at each."
    ),
    risk: float | None = typer.Option(
        None, "--risk", min=1e-6, max=0.2, help="Share of automatic verdicts that may be wrong."
    ),
    confidence: float | None = typer.Option(
        None, "--confidence", min=0.5, max=0.9999, help="How sure the data must make us of that."
    ),
) -> int:
    """Judge pairs of expected and actual answers.

    Writes a line per pair: `{"p_pass", "verdict": "pass|fail|review", "evidence": [...]}`. Where labels are given, a
    table tells ROC-AUC, calibration error, coverage and accuracy of automatic verdicts, by language and source.
    """
    arguments = ["eval", str(file), "--condition", condition]
    for option, value in (("--out", out), ("--plot", plot), ("--risk", risk), ("--confidence", confidence)):
        arguments += [option, str(value)] if value is not None else []
    return await _start(arguments)


@judge.command("calibrate")
@command
async def calibrate(
    pairs: Path | None = typer.Option(
        None, "--pairs", help="Labelled pairs from a file instead of people's decisions."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change and store nothing."),
) -> int:
    """Fit calibration and thresholds of this project (VOICEWRIGHT_JUDGE_PROJECT) to what people decided.

    The old version is kept, before and after are compared on decisions that were left out, and the allowed risk never
    grows.
    """
    arguments = ["calibrate"]
    arguments += ["--pairs", str(pairs)] if pairs is not None else []
    return await _start([*arguments, *(["--dry-run"] if dry_run else [])])


@judge.command("rescore")
@command
async def rescore(run: str = typer.Argument(help="A run's id; `voicewright runs` lists them.")) -> int:
    """Judge the stored calls of a run again and say what would be decided otherwise. Calls nobody, changes nothing."""
    return await _start(["rescore", run])


async def _start(arguments: list[str]) -> int:
    """The judge needs the workers' packages, which a client does not have: it is a program of its own."""
    if find_spec("workers") is None or find_spec("onnxruntime") is None:
        fail("the judge needs the workers' packages: pip install 'voicewright[local]'")
        return ExitCode.BAD_INPUT
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.judge", *arguments)
    return await process.wait()
