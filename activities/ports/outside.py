"""What the steps need of trackers and messengers."""

from typing import Protocol

from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.defects.record import Defect, Issue


class IssueTracker(Protocol):
    """An outside tracker. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def find(self, defect_id: str) -> Issue | None:
        """The issue that was made for a defect, if there is one."""

    def create(self, defect: Defect, text: str) -> Issue:
        """Make an issue that `find` finds."""

    def comments(self, issue: Issue) -> list[str]:
        """Texts of the newest comments, and of the description."""

    def comment(self, issue: Issue, text: str) -> None:
        """Add a comment."""

    def is_done(self, issue: Issue) -> bool:
        """Whether people there consider it done."""

    def move(self, issue: Issue, *, done: bool) -> None:
        """Close or reopen."""


class Notifier(Protocol):
    """Somebody who wants to know. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def tell(self, notice: RunNotice) -> None:
        """Say how a run stands, or bring up to date what was said."""


class DefectNotifier(Protocol):
    """Somebody who wants to hear of defects. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def tell_defect(self, defect: Defect) -> None:
        """Say that it is new, or has come back, where that was not said yet."""


class Reminder(Protocol):
    """Somebody who reminds people. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def remind(self, digest: ReviewDigest) -> None:
        """Say that cases have waited for too long."""
