"""Start runs, watch them and decide reviews from Python: `from voicewright.client import Voicewright`."""

from voicewright.client.errors import (
    NotFoundError,
    ReviewRefusedError,
    RunFailedError,
    ScheduleError,
    UnansweredError,
)
from voicewright.client.reviews import CursorError, ReviewEntry, ReviewFilter, ReviewPage
from voicewright.client.voicewright import RunEntry, Voicewright

__all__ = [
    "CursorError",
    "NotFoundError",
    "ReviewEntry",
    "ReviewFilter",
    "ReviewPage",
    "ReviewRefusedError",
    "RunEntry",
    "RunFailedError",
    "ScheduleError",
    "UnansweredError",
    "Voicewright",
]
