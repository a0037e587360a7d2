"""All commands, by being imported."""

from voicewright.cli import check, doctor, review, run, runs, stack, suites
from voicewright.cli.app import app

__all__ = ["app", "check", "doctor", "review", "run", "runs", "stack", "suites"]
