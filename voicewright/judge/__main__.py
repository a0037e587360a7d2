"""`python -m voicewright.judge eval PAIRS`: judges the pairs of a file; see `voicewright judge eval --help`."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from voicewright.judge import (
    BadPairsError,
    Condition,
    JudgeError,
    LabelledPair,
    MeaningJudge,
    RiskPolicy,
    evaluate,
    read_lines,
)
from voicewright.judge.evaluate import plot, summary
from voicewright.runtime.exit import ExitCode, leave
from voicewright.settings import Settings

# A pipe has no width, and a table must not be cut there.
_err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 170)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a file. An error that the user can fix is printed in one line."""
    parser = argparse.ArgumentParser(prog="voicewright judge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_file = commands.add_parser("eval")
    of_file.add_argument("file", type=Path)
    of_file.add_argument("--out", type=Path)
    of_file.add_argument("--plot", type=Path)
    of_file.add_argument("--condition", choices=["auto", *Condition], default="auto")
    of_file.add_argument("--risk", type=float)
    of_file.add_argument("--confidence", type=float)
    given = parser.parse_args(arguments)
    try:
        return _evaluate(given, Settings())
    except KeyboardInterrupt:
        _err.print("interrupted; the verdicts so far are written")
        return 130
    except BrokenPipeError:  # `| head` needs no more
        return ExitCode.PASSED
    except (JudgeError, OSError, ValidationError) as error:
        _err.print("error:", str(error), markup=False)
        return ExitCode.BAD_INPUT


def _evaluate(given: argparse.Namespace, settings: Settings) -> int:
    policy = RiskPolicy(
        given.risk if given.risk is not None else settings.judge_risk,
        given.confidence if given.confidence is not None else settings.judge_confidence,
        settings.judge_false_pass_cost,
        settings.judge_false_fail_cost,
    )
    lines = _readable(given)
    judge = MeaningJudge(policy=policy, embedding_model=settings.embedding_model, engine=settings.embedding_engine)
    condition = None if given.condition == "auto" else Condition(given.condition)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(given.out.open("w", encoding="utf-8")) if given.out else sys.stdout
        found = evaluate(judge, lines, out, condition)
    summary(found, _err)
    if given.plot:
        plot(found, given.plot, _err.print)
    return ExitCode.PASSED


def _readable(given: argparse.Namespace) -> list[LabelledPair]:
    """The lines to judge. Checks all files before anything is judged or written.

    Raises:
        BadPairsError: a line cannot be read, or a file cannot be written.
    """
    if given.plot and given.plot.suffix != ".png":
        raise BadPairsError(f"--plot {given.plot}: plots are PNG; give a name that ends in .png")
    for option, file in (("--out", given.out), ("--plot", given.plot)):
        if file and (file.is_dir() or not file.parent.is_dir()):
            raise BadPairsError(f"{option} {file}: {'is a folder' if file.is_dir() else 'there is no such folder'}")
        if file and file.exists() and given.file.exists() and file.samefile(given.file):
            raise BadPairsError(f"{option} {file}: would overwrite the pairs that are read; give another name")
    if given.plot and find_spec("matplotlib") is None:
        raise BadPairsError("--plot wants matplotlib, which is not installed: pip install 'voicewright[plot]'")
    lines = list(read_lines(Path("/dev/stdin") if str(given.file) == "-" else given.file))
    if not any(line.label for line in lines):
        _err.print(f"no labels in {given.file}: verdicts only, no table" if lines else f"no pairs in {given.file}")
    return lines


if __name__ == "__main__":
    leave(main())
