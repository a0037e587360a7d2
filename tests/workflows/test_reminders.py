"""Cases that have waited for people for too long are told of, all in one message, and not too often."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes import Steps
from pydantic import SecretStr
from serving import serving, unique
from standins.s3_server import S3Server
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from test_case_workflow import begin, decide, unsure, until_waiting

from activities.errors import UnavailableError
from activities.steps.notify import RemindStep
from voicewright.contracts.review import ReviewSubmission
from voicewright.contracts.steps import ReviewDigest
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store


class Told:
    """Somebody who reminds people, and may be out of order."""

    def __init__(self) -> None:
        self.digests: list[ReviewDigest] = []
        self.broken = False

    def remind(self, digest: ReviewDigest) -> None:
        if self.broken:
            raise UnavailableError("out of order")
        self.digests.append(digest)


@pytest.fixture
def store() -> Iterator[S3Store]:
    with S3Server() as server:
        store = S3Store(
            Settings(s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"))
        )
        store.ensure_bucket()
        yield store


async def reminded(step: RemindStep, execution: str = "") -> ReviewDigest | None:
    """One execution of the schedule's workflow."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_run_id=execution or unique("execution"))
    return await environment.run(step.remind_reviewers)


async def test_people_are_told_of_what_waits_for_long_and_not_too_often(real: Client, store: S3Store) -> None:
    steps, told = Steps(decide=unsure), Told()
    soon = RemindStep(store, real, [told], timedelta(milliseconds=1))
    later = RemindStep(store, real, [told], timedelta(days=2))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await asyncio.sleep(0.1)
        assert await reminded(later) is None  # nothing has waited for two days
        while (digest := await reminded(soon)) is None:  # lists take a moment
            await asyncio.sleep(0.1)
        assert told.digests == [digest]
        assert digest.waiting >= digest.overdue >= 1
        assert datetime.fromisoformat(digest.oldest_at) <= datetime.fromisoformat(digest.at)
        assert await reminded(soon) is not None  # the time is over again
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        await handle.result()


async def test_a_messenger_that_is_out_of_order_is_tried_again_as_the_same_reminder(
    real: Client, store: S3Store
) -> None:
    steps, told, broken = Steps(decide=unsure), Told(), Told()
    broken.broken = True
    step = RemindStep(store, real, [told, broken], timedelta(milliseconds=1))
    execution = unique("execution")
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        while not told.digests:
            try:
                await reminded(step, execution)
            except UnavailableError:
                assert told.digests
            await asyncio.sleep(0.1)
        broken.broken = False
        digest = await reminded(step, execution)
        assert digest is not None
        assert [one.at for one in (*told.digests, *broken.digests)] == [digest.at] * 3
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        await handle.result()
