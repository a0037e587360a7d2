"""From settings to the worker of each queue. Only here are engines made."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.call import CallStep
from activities.checks.llm import rubric_judge
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.project import ProjectCalibration
from activities.checks.meaning.sentence import Appetite
from activities.defects import DefectStep
from activities.errors import InstallationError
from activities.integrations.github_status import GitHubStatus
from activities.integrations.jira_tracker import JiraTracker
from activities.integrations.slack_notifier import SlackNotifier
from activities.notify import NotifyStep
from activities.phone_lines import PhoneLinesStep
from activities.plan import PlanStep
from activities.ports import Dialler, IssueTracker, Notifier, ObjectStore, SpeechEngine
from activities.record import RecordStep
from activities.report import ReportStep
from activities.review import ReviewStep
from activities.speech.espeak import EspeakEngine
from activities.speech.gtts_online import GttsEngine
from activities.speech.kokoro import KokoroEngine
from activities.speech.mp3 import Mp3Encoder
from activities.speech.piper import PACKAGED, PiperEngine
from activities.speech.voices import Voices
from activities.speech.whisper import WhisperRecogniser
from activities.suites import SuiteLibrary
from activities.synthesize import SynthesizeStep
from activities.telephony.call_control import CallControl
from activities.telephony.g711 import RATE_HZ
from activities.telephony.houndify import HoundifyDialler
from activities.telephony.media_stream import MediaStreamDialler
from activities.telephony.openai_realtime import OpenAiRealtimeDialler
from activities.telephony.sip import SipDialler
from activities.telephony.twilio_client import Account
from activities.telephony.twilio_endpoint import TwilioEndpoint
from activities.telephony.twilio_phone import TwilioDialler
from activities.telephony.understanding import Understanding
from activities.telephony.voice_activity import Detectors
from activities.transcribe import TranscribeStep
from activities.validate import ValidateStep
from voicewright.phone import Hours
from voicewright.queues import CALLS, INTEGRATIONS, SPEECH, WORKFLOWS
from voicewright.report.build import Links
from voicewright.s3 import S3Store
from voicewright.settings import Settings
from workers.settled import SettledRunner
from workflows.case import VoiceTestCase
from workflows.reconcile import ReconcileDefects
from workflows.run import VoiceTestRun

_log = logging.getLogger("workers")

_WARM_DETECTORS = 8
GRACE = timedelta(seconds=5)
"""How long activities may finish after a worker was asked to stop; a call is then cancelled and held again later."""

SANDBOX = SettledRunner(
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


def workflow_worker(client: Client, settings: Settings) -> Built:  # noqa: ARG001 - all builders are alike
    """Orchestration: deterministic, light, any number of processes."""
    worker = Worker(
        client,
        task_queue=WORKFLOWS,
        workflows=[VoiceTestRun, VoiceTestCase, ReconcileDefects],
        workflow_runner=SANDBOX,
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
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads)
    judge = meaning_judge(settings, store)
    worker = _activity_worker(
        client,
        SPEECH,
        [
            SynthesizeStep(store, suites, voices).synthesize,
            TranscribeStep(store, suites, recogniser).transcribe,
            ValidateStep(store, suites, judge, rubric_judge(settings, store)).validate,
        ],
        settings.speech_per_worker,
    )
    return Built(worker, (voices.warm_up, recogniser.warm_up, judge.warm_up))


def appetite_of(settings: Settings) -> Appetite:
    """How much error the installation allows the judge."""
    return Appetite(
        settings.judge_risk,
        settings.judge_confidence,
        settings.judge_false_pass_cost,
        settings.judge_false_fail_cost,
    )


def meaning_judge(settings: Settings, store: ObjectStore | None) -> MeaningJudge:
    """The judge of meaning, calibrated by a project's decisions where there are any in the store."""
    return MeaningJudge(
        embedding_model=settings.embedding_model,
        appetite=appetite_of(settings),
        calibration=None if store is None else ProjectCalibration(store, settings.judge_project),
    )


def calls_worker(client: Client, settings: Settings) -> Built:
    """Conversations: wants to be on time."""
    store = S3Store(settings)
    detectors = Detectors()
    sip, telephone = SipDialler(settings.sip_interface), _telephone(settings)
    streams = MediaStreamDialler(CallControl(settings.call_control_listen, settings.call_control_url))
    diallers: dict[str, Dialler] = {
        "media_stream": streams,
        "sip": sip,
        "houndify": HoundifyDialler(),
        "openai_realtime": OpenAiRealtimeDialler(),
    }
    if telephone is not None:
        diallers["twilio"] = telephone
    # Scripts that branch or wait need ears in the call; their models are loaded when the first one comes.
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads)
    judge = cache(lambda: meaning_judge(settings, store))
    step = CallStep(
        store, SuiteLibrary(store), diallers, detectors, lambda language: Understanding(recogniser, judge, language)
    )
    worker = _activity_worker(client, CALLS, [step.call], settings.calls_per_worker)
    return Built(
        worker,
        (lambda: detectors.warm_up(RATE_HZ, min(settings.calls_per_worker, _WARM_DETECTORS)),),
        (sip.close, streams.aclose, *([telephone.close] if telephone is not None else [])),
    )


def _telephone(settings: Settings) -> TwilioDialler | None:
    """Twilio where it is set."""
    if settings.twilio_account_sid is None:
        return None
    if settings.twilio_auth_token is None or settings.twilio_public_url is None:
        raise InstallationError(
            "VOICEWRIGHT_TWILIO_ACCOUNT_SID is set, but not VOICEWRIGHT_TWILIO_AUTH_TOKEN and "
            "VOICEWRIGHT_TWILIO_PUBLIC_URL, by which Twilio's requests to us are known"
        )
    token = settings.twilio_auth_token.get_secret_value()
    secret = settings.twilio_api_secret
    user, password = settings.twilio_account_sid, token
    if settings.twilio_api_key is not None and secret is not None:
        user, password = settings.twilio_api_key, secret.get_secret_value()
    return TwilioDialler(
        Account(settings.twilio_account_sid, user, password, settings.twilio_api_url),
        TwilioEndpoint(settings.twilio_public_url, settings.twilio_listen, token),
        settings.twilio_numbers,
    )


def _phone_lines(settings: Settings, store: ObjectStore) -> PhoneLinesStep:
    try:
        hours = Hours.parse(settings.twilio_hours) if settings.twilio_hours is not None else None
    except ValueError as error:
        raise InstallationError(f"VOICEWRIGHT_TWILIO_HOURS: {error}") from None
    return PhoneLinesStep(store, settings.twilio_numbers, settings.twilio_lines, settings.twilio_calls_per_s, hours)


def integrations_worker(client: Client, settings: Settings) -> Built:
    """Plans, reviews, results."""
    store = S3Store(settings)
    links = Links.of(settings)
    record = RecordStep(store, client, settings.judge_project)
    lines = _phone_lines(settings, store)
    defects = DefectStep(
        store, _tracker(settings), passes=settings.defect_passes, auto_close=settings.defect_auto_close
    )
    worker = _activity_worker(
        client,
        INTEGRATIONS,
        [
            PlanStep(SuiteLibrary(store)).plan,
            ReviewStep(store).request_review,
            lines.reserve_line,
            lines.release_line,
            record.record_result,
            record.check_cases,
            defects.file_defect,
            defects.publish_defect,
            defects.settle_defects,
            defects.reconcile_defects,
            ReportStep(store, links, Mp3Encoder()).publish_report,
            NotifyStep(_notifiers(settings, store, links)).notify,
        ],
        20,
    )
    return Built(worker)


def _tracker(settings: Settings) -> IssueTracker | None:
    """Jira where it is set."""
    if settings.jira_url is None:
        return None
    if settings.jira_token is None:
        raise InstallationError("VOICEWRIGHT_JIRA_URL is set, but VOICEWRIGHT_JIRA_TOKEN is not")
    token = settings.jira_token.get_secret_value()
    return JiraTracker(settings.jira_url, settings.jira_user, token, settings.jira_project, settings.jira_issue_type)


def _notifiers(settings: Settings, store: S3Store, links: Links) -> list[Notifier]:
    """Who is told of runs."""
    found: list[Notifier] = []
    if settings.slack_token is not None:
        token = settings.slack_token.get_secret_value()
        found.append(SlackNotifier(store, links, token, settings.slack_channel, settings.slack_api_url))
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


def warm_up(built: Built) -> None:
    """Load models before a call is under way that would feel every core that loading takes.

    A missing model is only said here: a step that needs it will fail with the same message.
    """
    for load in built.warm_up:
        try:
            load()
        except InstallationError as error:
            _log.warning("%s", error.message)


def _activity_worker(client: Client, queue: str, activities: Sequence[Callable[..., Any]], at_once: int) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        activity_executor=ThreadPoolExecutor(at_once),
        max_concurrent_activities=at_once,
        graceful_shutdown_timeout=GRACE,
    )


BUILDERS: dict[str, Callable[[Client, Settings], Built]] = {
    "workflows": workflow_worker,
    "speech": speech_worker,
    "calls": calls_worker,
    "integrations": integrations_worker,
}
"""Names as typed after `python -m workers`."""
