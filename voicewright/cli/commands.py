"""All commands, by being imported."""

from voicewright.cli import check, compare, defects, doctor, judge, report, review, run, runs, schedule, stack, suites
from voicewright.cli.app import app

__all__ = [
    "app",
    "check",
    "compare",
    "defects",
    "doctor",
    "judge",
    "report",
    "review",
    "run",
    "runs",
    "schedule",
    "stack",
    "suites",
]
