"""From settings to the worker of each queue. Only here are engines made."""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.worker import FixedSizeSlotSupplier, Worker, WorkerTuner
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.audio.g711 import RATE_HZ
from activities.audio.voice_activity import Detectors
from activities.call.host.aside import Aside
from activities.call.host.headroom import Headroom
from activities.call.host.slots import CallSlots
from activities.call.understanding import Understanding
from activities.channels.houndify.line import HoundifyDialler
from activities.channels.media_stream.control import CallControl
from activities.channels.media_stream.line import MediaStreamDialler
from activities.channels.openai_realtime.dialler import OpenAiRealtimeDialler
from activities.channels.sip.dialler import SipDialler
from activities.checks.calibrations import StoredCalibrations
from activities.checks.meaning import InstalledJudge
from activities.checks.rubric.llm import rubric_judge
from activities.errors import InstallationError
from activities.integrations.github_status import GitHubStatus
from activities.integrations.jira_tracker import JiraTracker
from activities.integrations.slack_notifier import SlackNotifier
from activities.integrations.webhook import WebhookNotifier
from activities.ports.line import Dialler
from activities.ports.outside import Notifier, Reminder
from activities.ports.speech import SpeechEngine
from activities.speech.mp3 import Mp3Encoder
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.choice import Voices
from activities.speech.voices.espeak import EspeakEngine
from activities.speech.voices.gtts_online import GttsEngine
from activities.speech.voices.kokoro import KokoroEngine
from activities.speech.voices.piper import PACKAGED, PiperEngine
from activities.steps.call import CallStep
from activities.steps.defects import DefectStep
from activities.steps.erase import EraseStep
from activities.steps.notify import NotifyStep, RemindStep
from activities.steps.phone_lines import PhoneLinesStep
from activities.steps.plan import PlanStep
from activities.steps.record import RecordStep
from activities.steps.report import ReportStep
from activities.steps.review import ReviewStep
from activities.steps.synthesize import SynthesizeStep
from activities.steps.transcribe import TranscribeStep
from activities.steps.validate import ValidateStep
from activities.suites import SuiteLibrary
from voicewright.client.queues import CALLS, INTEGRATIONS, SPEECH, WORKFLOWS
from voicewright.erasure.cases import Eraser
from voicewright.jira_fields import read_fields
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.verdict import RiskPolicy
from voicewright.report.build import Links
from voicewright.running_stack import default_data_dir
from voicewright.runtime.priority import as_others
from voicewright.settings import Settings
from voicewright.store.port import ObjectStore
from voicewright.store.s3 import S3Store
from workers.outside.records import live_records
from workers.outside.telephone import phone_lines, telephone
from workers.query_safe import QuerySafeRunner
from workers.versioning import deployment_of
from workflows.blind import BlindReview
from workflows.case import VoiceTestCase
from workflows.chores import CatchUpRecords, Erase, EraseDue, ReconcileDefects, RemindReviewers
from workflows.run import VoiceTestRun

_log = logging.getLogger("workers")
M = TypeVar("M", WhisperRecogniser, InstalledJudge)

_CALLS_PER_CORE = 16
"""So many one core may hold at most; their detectors are loaded before they come."""
GRACE = timedelta(seconds=5)
"""How long activities may finish after a worker was asked to stop; a call is then cancelled and held again later."""

SANDBOX = QuerySafeRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "activities", "jinja2", "numpy", "opentelemetry", "pydantic", "pydantic_core", "scipy", "voicewright"
    )
)


@dataclass(frozen=True)
class Built:
    """A worker, and what it should load before its first task comes; blocking, and harmless to skip."""

    worker: Worker
    warm_up: tuple[Callable[[], object], ...] = ()
    close: tuple[Callable[[], Awaitable[None]], ...] = ()
    """Called once the worker has stopped."""


def workflow_worker(client: Client, settings: Settings) -> Built:
    """Orchestration: deterministic, light, any number of processes."""
    worker = Worker(
        client,
        task_queue=WORKFLOWS,
        workflows=[
            VoiceTestRun,
            VoiceTestCase,
            BlindReview,
            ReconcileDefects,
            CatchUpRecords,
            Erase,
            EraseDue,
            RemindReviewers,
        ],
        workflow_runner=SANDBOX,
        deployment_config=deployment_of(settings),
        graceful_shutdown_timeout=GRACE,
    )
    return Built(worker)


def speech_worker(client: Client, settings: Settings) -> Built:
    """Synthesis, recognition and judgement: wants CPU."""
    store = S3Store(settings)
    suites = SuiteLibrary(store)
    engines: dict[str, SpeechEngine] = {
        "piper": PiperEngine(settings.piper_voice, settings.models_dir),
        "kokoro": KokoroEngine(settings.models_dir, settings.whisper_threads),
        "espeak": EspeakEngine(),
        "gtts": GttsEngine(settings.gtts_tld),
    }
    # The packaged Piper voice is American.
    american = settings.tts_english == "piper" and settings.piper_voice == PACKAGED and settings.tts_other == "kokoro"
    regional = {"en-GB": "kokoro"} if american else {}
    voices = Voices(engines, english=settings.tts_english, other=settings.tts_other, regional=regional)
    recogniser = _recogniser(settings)
    judge = InstalledJudge(meaning_judge(settings, store))
    worker = _activity_worker(
        client,
        settings,
        SPEECH,
        [
            SynthesizeStep(store, suites, voices).synthesize,
            TranscribeStep(store, suites, recogniser).transcribe,
            ValidateStep(store, suites, judge, rubric_judge(settings, store)).validate,
        ],
        settings.speech_per_worker,
    )
    return Built(worker, (voices.warm_up, recogniser.warm_up, judge.warm_up))


def _recogniser(settings: Settings) -> WhisperRecogniser:
    return WhisperRecogniser(
        settings.whisper_model, settings.models_dir, settings.whisper_threads, settings.speech_per_worker
    )


def _loaded(model: M) -> M:
    """A model whose own threads, which are made now, do not come before the work of others."""
    with as_others():
        model.warm_up()
    return model


def _once(load: Callable[[], M]) -> Callable[[], M]:
    """What `load` gives, loaded when it is first asked for; two calls that ask at the same time wait for one load."""
    lock, loaded = Lock(), cache(load)

    def get() -> M:
        with lock:
            return loaded()

    return get


def risk_policy_of(settings: Settings) -> RiskPolicy:
    """How much error the installation allows the judge."""
    return RiskPolicy(
        settings.judge_risk,
        settings.judge_confidence,
        settings.judge_false_pass_cost,
        settings.judge_false_fail_cost,
    )


def meaning_judge(settings: Settings, store: ObjectStore | None) -> MeaningJudge:
    """The judge of meaning, calibrated by a project's decisions where there are any in the store."""
    return MeaningJudge(
        embedding_model=settings.embedding_model,
        engine=settings.embedding_engine,
        policy=risk_policy_of(settings),
        calibration=None if store is None else StoredCalibrations(store, settings.judge_project),
    )


def calls_worker(client: Client, settings: Settings) -> Built:
    """Conversations: wants to be on time."""
    store = S3Store(settings)
    detectors, headroom, aside = Detectors(), Headroom(), Aside()
    sip, twilio = SipDialler(settings.sip_interface), telephone(settings)
    streams = MediaStreamDialler(CallControl(settings.call_control_listen, settings.call_control_url))
    diallers: dict[str, Dialler] = {
        "media_stream": streams,
        "sip": sip,
        "houndify": HoundifyDialler(),
        "openai_realtime": OpenAiRealtimeDialler(),
    }
    if twilio is not None:
        diallers["twilio"] = twilio
    # Scripts that branch or wait need ears in the call; their models are loaded when the first one comes.
    recogniser = _once(lambda: _loaded(_recogniser(settings)))
    judge = _once(lambda: _loaded(InstalledJudge(meaning_judge(settings, store))))
    step = CallStep(
        store,
        SuiteLibrary(store),
        diallers,
        detectors,
        lambda language: Understanding(recogniser, judge, language),
        phone_lines(settings, store),
        keep_in=settings.held_dir or default_data_dir() / "held",
        headroom=headroom,
        aside=aside,
    )
    worker = Worker(
        client,
        task_queue=CALLS,
        activities=[step.call],
        tuner=WorkerTuner.create_composite(
            workflow_supplier=FixedSizeSlotSupplier(1),
            activity_supplier=CallSlots(settings.calls_per_worker, headroom),
            local_activity_supplier=FixedSizeSlotSupplier(1),
            nexus_supplier=FixedSizeSlotSupplier(1),
        ),
        max_concurrent_activity_task_polls=1,  # each holds the slot of a call that may come
        deployment_config=deployment_of(settings),
        graceful_shutdown_timeout=GRACE,
    )
    return Built(
        worker,
        (lambda: detectors.warm_up(RATE_HZ, min(settings.calls_per_worker, _CALLS_PER_CORE * (os.cpu_count() or 1))),),
        (sip.close, streams.aclose, aside.aclose, *([twilio.close] if twilio is not None else [])),
    )


def integrations_worker(client: Client, settings: Settings) -> Built:
    """Plans, reviews, results."""
    store = S3Store(settings)
    links = Links.of(settings)
    records = live_records(client, settings, store)
    record = RecordStep(store, client, settings.judge_project, records)
    lines = PhoneLinesStep(phone_lines(settings, store))
    erase = EraseStep(store, Eraser(store, links, settings.judge_project), client, settings.retention_days, records)
    notifiers = _notifiers(settings, store, links)
    passes, close = settings.defect_passes, settings.defect_auto_close
    defects = DefectStep(
        store,
        jira_tracker(settings),
        passes=passes,
        auto_close=close,
        records=records,
        notifiers=[one for one in notifiers if isinstance(one, WebhookNotifier)],
    )
    worker = _activity_worker(
        client,
        settings,
        INTEGRATIONS,
        [
            PlanStep(store, SuiteLibrary(store), records).plan,
            ReviewStep(store, records).request_review,
            lines.reserve_line,
            lines.release_line,
            record.record_result,
            record.record_blind,
            record.check_cases,
            record.catch_up_records,
            erase.erase,
            erase.erase_due,
            defects.file_defect,
            defects.publish_defect,
            defects.settle_defects,
            defects.reconcile_defects,
            ReportStep(store, links, Mp3Encoder(), records).publish_report,
            NotifyStep(notifiers).notify,
            RemindStep(store, client, _reminders(notifiers), timedelta(hours=settings.remind_hours)).remind_reviewers,
        ],
        20,
    )
    return Built(worker)


def jira_tracker(settings: Settings) -> JiraTracker | None:
    """Jira where it is set."""
    if settings.jira_url is None:
        return None
    if settings.jira_token is None:
        raise InstallationError("VOICEWRIGHT_JIRA_URL is set, but VOICEWRIGHT_JIRA_TOKEN is not")
    token = settings.jira_token.get_secret_value()
    return JiraTracker(
        settings.jira_url,
        settings.jira_user,
        token,
        settings.jira_project,
        settings.jira_issue_type,
        read_fields(settings.jira_fields),
    )


def _notifiers(settings: Settings, store: S3Store, links: Links) -> list[Notifier]:
    """Who is told of runs."""
    found: list[Notifier] = []
    if settings.slack_token is not None:
        token = settings.slack_token.get_secret_value()
        found.append(SlackNotifier(store, links, token, settings.slack_channel, settings.slack_api_url))
    if settings.webhook_url is not None:
        secret = settings.webhook_secret
        found.append(
            WebhookNotifier(store, links, settings.webhook_url, secret.get_secret_value() if secret is not None else "")
        )
    if settings.github_token is not None or settings.github_app_id is not None:
        secret = settings.github_token
        found.append(
            GitHubStatus(
                store,
                links,
                api_url=settings.github_api_url,
                token=secret.get_secret_value() if secret is not None else None,
                app_id=settings.github_app_id,
                private_key_file=settings.github_private_key_file,
            )
        )
    return found


def _reminders(notifiers: Sequence[Notifier]) -> list[Reminder]:
    """Those who remind people too: a commit needs no reminder."""
    return [one for one in notifiers if isinstance(one, (SlackNotifier, WebhookNotifier))]


def warm_up(built: Built) -> None:
    """Load models before a call is under way that would feel every core that loading takes.

    A missing model is only said here: a step that needs it will fail with the same message.
    """
    for load in built.warm_up:
        try:
            load()
        except InstallationError as error:
            _log.warning("%s", error.message)


def _activity_worker(
    client: Client, settings: Settings, queue: str, activities: Sequence[Callable[..., Any]], at_once: int
) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        activity_executor=ThreadPoolExecutor(at_once),
        max_concurrent_activities=at_once,
        deployment_config=deployment_of(settings),
        graceful_shutdown_timeout=GRACE,
    )


BUILDERS: dict[str, Callable[[Client, Settings], Built]] = {
    "workflows": workflow_worker,
    "speech": speech_worker,
    "calls": calls_worker,
    "integrations": integrations_worker,
}
"""Names as typed after `python -m workers`."""
