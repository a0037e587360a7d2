"""A case that calls by an account which all runs share reserves a line of it, and gives it back.

A case that waits does so on a durable timer of its own workflow.
"""

import asyncio

from temporalio import activity

from activities.phone_lines import PhoneLines, server_clock
from voicewright.contracts.case import CaseRequest
from voicewright.contracts.steps import LineGrant


class PhoneLinesStep:
    """Lines of one account."""

    def __init__(self, lines: PhoneLines) -> None:
        self._lines = lines

    @activity.defn(name="reserve_line")
    async def reserve_line(self, case: CaseRequest) -> LineGrant:
        """A line for this case, or how long to wait; asking again is harmless.

        Raises:
            ContendedError: too many ask at once.
        """
        return await asyncio.to_thread(self._lines.reserve, case.workflow_id, server_clock()())

    @activity.defn(name="release_line")
    async def release_line(self, case: CaseRequest) -> None:
        """Give the line back; harmless without one."""
        await asyncio.to_thread(self._lines.release, case.workflow_id)
