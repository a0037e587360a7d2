"""Step 5: a case that the machine is unsure of asks for a human.

The waiting itself, with its reminder and expiry, is the workflow's; this step leaves the request where people and
tools find it.
"""

import asyncio
import json
from datetime import UTC, datetime

from temporalio import activity

from activities.ports.recording import NoRecords, Recording
from voicewright.contracts.steps import ReviewRequest
from voicewright.store.keys import case_key
from voicewright.store.port import ObjectStore


class ReviewStep:
    """Notes review requests and reminders in the object store and in the worker's log."""

    def __init__(self, store: ObjectStore, records: Recording | None = None) -> None:
        self._store = store
        self._records = records or NoRecords()

    @activity.defn(name="request_review")
    async def request_review(self, request: ReviewRequest) -> None:
        """Ask, or remind. Repeating it changes nothing: each reminder is one object."""
        key = request.key
        file = case_key(request.run_id, key, f"review-{request.reminder}.json")
        asked = {"asked_at": datetime.now(UTC).isoformat(timespec="seconds"), **request.model_dump(mode="json")}
        first = await asyncio.to_thread(self._store.put_if_absent, file, json.dumps(asked).encode(), "application/json")
        if first is not None:
            activity.logger.warning(
                "%s %s needs a human; voicewright review show %r",
                "reminder:" if request.reminder else "review:",
                key,
                request.workflow_id,
            )
        await self._records.case(request.run_id, request.key)
