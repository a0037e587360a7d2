"""All commands, by being imported."""

from voicewright.cli import check, defects, doctor, report, review, run, runs, stack, suites
from voicewright.cli.app import app

__all__ = ["app", "check", "defects", "doctor", "report", "review", "run", "runs", "stack", "suites"]
