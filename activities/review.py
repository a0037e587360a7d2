"""Step 5: a case that the machine is unsure of asks for a human.

The waiting itself, with its reminder and expiry, is the workflow's; this step leaves the request where people and
tools find it.
"""

import asyncio
import json
from datetime import UTC, datetime

from temporalio import activity

from activities.ports import ObjectStore
from voicewright.artifact import case_key
from voicewright.run import ReviewRequest


class ReviewStep:
    """Notes review requests and reminders in the object store and in the worker's log."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @activity.defn(name="request_review")
    async def request_review(self, request: ReviewRequest) -> None:
        """Ask, or remind. Repeating it changes nothing: each reminder is one object."""
        key = request.key
        file = case_key(request.run_id, key.case, key.cell, key.repeat, f"review-{request.reminder}.json")
        asked = {"asked_at": datetime.now(UTC).isoformat(timespec="seconds"), **request.model_dump(mode="json")}
        first = await asyncio.to_thread(self._store.put_if_absent, file, json.dumps(asked).encode(), "application/json")
        if first is not None:
            activity.logger.warning(
                "%s %s needs a human; voicewright review show %r",
                "reminder:" if request.reminder else "review:",
                key,
                request.workflow_id,
            )
