"""`python -m workers.judging calibrate|rescore`: the judge and the runs that are in the object store."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from activities.checks.calibrations import StoredCalibrations
from activities.checks.decisions import kept
from activities.errors import StepError
from voicewright.judge import Calibrated, JudgeError, RiskPolicy, calibrate, read_lines
from voicewright.runtime.exit import ExitCode, leave
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store
from workers.build import meaning_judge, risk_policy_of
from workers.judging.rescore import rescore

# A pipe has no width: a table must still be whole in it.
_err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 170)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands. An error that the user can fix is printed in one line."""
    parser = argparse.ArgumentParser(prog="voicewright judge", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rescore").add_argument("run")
    of_people = commands.add_parser("calibrate")
    of_people.add_argument("--pairs", type=Path)
    of_people.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    try:
        settings = Settings()
        if given.command == "rescore":
            return asyncio.run(_rescore(given.run, settings))
        return _calibrate(given, settings)
    except KeyboardInterrupt:
        return 130
    except (JudgeError, StepError, StoreError, OSError, ValidationError) as error:
        message = error.message if isinstance(error, StepError) else str(error)
        _err.print("error:", message, markup=False)
        return ExitCode.BAD_INPUT


async def _rescore(run: str, settings: Settings) -> int:
    store = S3Store(settings)
    found = await rescore(store, run, meaning_judge(settings, store))
    table = Table("case", "was", "would be", "why", box=None, pad_edge=False)
    for one in found:
        if one.skipped:
            table.add_row(str(one.case.key), one.was, "not judged", one.skipped)
        elif one.changed and one.verdict is not None and one.case.verdict is not None:
            table.add_row(
                str(one.case.key), str(one.case.verdict.decision), str(one.verdict.decision), one.verdict.reason
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
    project = StoredCalibrations(store, settings.judge_project)
    lines = list(read_lines(given.pairs)) if given.pairs else kept(store, settings.judge_project)
    lines = [line for line in lines if line.label is not None]
    made = calibrate(meaning_judge(settings, None), project, lines, risk_policy_of(settings))
    _show(made, risk_policy_of(settings))
    if given.dry_run:
        Console().print("nothing was stored (--dry-run)")
    else:
        project.save(made.calibration)
        Console().print(
            f"stored as version {made.calibration.version} of project {project.project!r}; earlier ones stay"
        )
    return ExitCode.PASSED


def _show(made: Calibrated, policy: RiskPolicy) -> None:
    out = Console(highlight=False)
    out.print(
        f"{made.decisions} decisions; metrics on {made.before.pairs} of them, from runs held out from the fit, at risk "
        f"{policy.risk:.1%} and confidence {policy.confidence:.0%}:"
    )
    table = Table("", "calibration error", "automatic", "wrong among them", box=None, pad_edge=False)
    for name, metrics in (("before", made.before), ("after", made.after)):
        share = f"{metrics.automatic} of {metrics.pairs}"
        table.add_row(name, f"{metrics.calibration_error:.3f}", share, str(metrics.false_passes + metrics.false_fails))
    out.print(table)


if __name__ == "__main__":
    leave(main())
