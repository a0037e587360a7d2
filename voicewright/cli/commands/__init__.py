"""All commands, by being imported."""

from voicewright.cli.app import app
from voicewright.cli.commands import (
    compare,
    defects,
    doctor,
    erase,
    judge,
    quarantine,
    report,
    review,
    run,
    runs,
    schedule,
    stack,
    suites,
)
from voicewright.cli.commands.database import accounts, records

__all__ = [
    "accounts",
    "app",
    "compare",
    "defects",
    "doctor",
    "erase",
    "judge",
    "quarantine",
    "records",
    "report",
    "review",
    "run",
    "runs",
    "schedule",
    "stack",
    "suites",
]
