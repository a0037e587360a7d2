"""A decision that no worker takes ends in words, not in waiting: on a real server, with nobody at the queue."""

import uuid
from datetime import timedelta

import pytest
from temporalio.client import Client

from voicewright.client import UnansweredError, Voicewright, reviewing
from voicewright.contracts.review import ReviewSubmission


async def test_a_decision_without_a_worker_is_unanswered_in_time(real: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "ANSWER", timedelta(seconds=2))
    case = f"run-1/a/en/{uuid.uuid4().hex}"
    handle = await real.start_workflow("VoiceTestCase", id=case, task_queue=f"nobody-{case}")
    with pytest.raises(UnansweredError, match="may still take this"):
        await Voicewright(real).decide(case, ReviewSubmission(verdict="pass", reviewer="Ann"))
    await handle.terminate()
