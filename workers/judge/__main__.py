"""Command line of the judge; `voicewright judge --help` documents it."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from activities.checks.meaning.decisions import kept
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.project import ProjectCalibration
from activities.checks.meaning.sentence import Appetite
from activities.checks.meaning.truth import Labelled, read_lines
from activities.errors import BadInputError, StepError
from voicewright.leave import leave
from voicewright.outcome import ExitCode
from voicewright.s3 import S3Store, StoreError
from voicewright.settings import Settings
from workers.build import appetite_of, meaning_judge
from workers.judge.calibrate import Calibrated, calibrate
from workers.judge.evaluate import evaluate, plot, summary
from workers.judge.rescore import rescore

# A pipe has no width: a table must still be whole in it.
_err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 170)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; trouble that a user can mend is one line."""
    parser = argparse.ArgumentParser(prog="voicewright judge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_file = commands.add_parser("eval")
    of_file.add_argument("file", type=Path)
    of_file.add_argument("--out", type=Path)
    of_file.add_argument("--plot", type=Path)
    of_file.add_argument("--condition", choices=["auto", *Condition], default="auto")
    of_file.add_argument("--risk", type=float)
    of_file.add_argument("--confidence", type=float)
    of_run = commands.add_parser("rescore")
    of_run.add_argument("run")
    of_people = commands.add_parser("calibrate")
    of_people.add_argument("--pairs", type=Path)
    of_people.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    try:
        settings = Settings()
        if given.command == "eval":
            return _evaluate(given, settings)
        if given.command == "rescore":
            return asyncio.run(_rescore(given.run, settings))
        return _calibrate(given, settings)
    except KeyboardInterrupt:
        _err.print("interrupted: what was judged so far is written")
        return 130
    except BrokenPipeError:  # `| head`: the reader has what it wanted
        return ExitCode.PASSED
    except (StepError, StoreError, OSError, ValidationError) as error:
        message = error.message if isinstance(error, StepError) else str(error)
        _err.print("error:", message, markup=False)
        return ExitCode.BAD_INPUT


def _evaluate(given: argparse.Namespace, settings: Settings) -> int:
    wanted = settings.model_copy(
        update={
            key: value
            for key, value in (("judge_risk", given.risk), ("judge_confidence", given.confidence))
            if value is not None
        }
    )
    lines = _readable(given)
    judge = meaning_judge(wanted, None)
    condition = None if given.condition == "auto" else Condition(given.condition)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(given.out.open("w", encoding="utf-8")) if given.out else sys.stdout
        found = evaluate(judge, lines, out, condition)
    summary(found, _err)
    if given.plot:
        plot(found, given.plot, _err.print)
    return ExitCode.PASSED


def _readable(given: argparse.Namespace) -> list[Labelled]:
    """The lines to judge. What cannot be read or written is said before an hour of judging, and nothing is emptied.

    Raises:
        BadInputError: a line, or a place to write to, is no good.
    """
    if given.plot and given.plot.suffix != ".png":
        raise BadInputError(f"--plot {given.plot}: plots are PNG; give a name that ends in .png")
    for option, file in (("--out", given.out), ("--plot", given.plot)):
        if file and (file.is_dir() or not file.parent.is_dir()):
            raise BadInputError(f"{option} {file}: {'is a folder' if file.is_dir() else 'there is no such folder'}")
        if file and file.exists() and given.file.exists() and file.samefile(given.file):
            raise BadInputError(f"{option} {file}: would write over the pairs that are read; give another name")
    lines = list(read_lines(Path("/dev/stdin") if str(given.file) == "-" else given.file))
    if not any(line.label for line in lines):
        _err.print(f"no labels in {given.file}: verdicts only, no table" if lines else f"no pairs in {given.file}")
    return lines


async def _rescore(run: str, settings: Settings) -> int:
    store = S3Store(settings)
    found = await rescore(store, run, meaning_judge(settings, store))
    table = Table("case", "was", "would be", "why", box=None, pad_edge=False)
    for one in found:
        if one.skipped:
            table.add_row(str(one.result.key), str(one.result.outcome), "not judged", one.skipped)
        elif one.changed and one.verdict is not None and one.result.verdict is not None:
            table.add_row(
                str(one.result.key), str(one.result.verdict.decision), str(one.verdict.decision), one.verdict.reason
            )
    changed = sum(one.changed for one in found)
    out = Console(highlight=False, soft_wrap=True)
    if table.row_count:
        out.print(table)
    judged = sum(one.verdict is not None for one in found)
    out.print(f"{judged} cases judged again, {changed} would be decided otherwise; nothing was called or changed")
    return ExitCode.PASSED


def _calibrate(given: argparse.Namespace, settings: Settings) -> int:
    store = S3Store(settings)
    project = ProjectCalibration(store, settings.judge_project)
    lines = list(read_lines(given.pairs)) if given.pairs else kept(store, settings.judge_project)
    lines = [line for line in lines if line.label is not None]
    made = calibrate(meaning_judge(settings, None), project, lines, appetite_of(settings))
    _show(made, appetite_of(settings))
    if given.dry_run:
        Console().print("nothing was stored (--dry-run)")
    else:
        project.save(made.calibration)
        Console().print(
            f"stored as version {made.calibration.version} of project {project.project!r}; earlier ones stay"
        )
    return ExitCode.PASSED


def _show(made: Calibrated, appetite: Appetite) -> None:
    out = Console(highlight=False)
    out.print(
        f"{made.decisions} decisions; on {made.before.pairs} of them, from runs that the new one had not seen, at risk "
        f"{appetite.risk:.1%} and confidence {appetite.confidence:.0%}:"
    )
    table = Table("", "calibration error", "automatic", "wrong among them", box=None, pad_edge=False)
    for name, standing in (("before", made.before), ("after", made.after)):
        share = f"{standing.automatic} of {standing.pairs}"
        table.add_row(name, f"{standing.error:.3f}", share, str(standing.false_passes + standing.false_fails))
    out.print(table)


if __name__ == "__main__":
    leave(main())
