"""From stored results to the files that people read; the same when a run ends and when somebody asks again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.steps import ReportRefs
from voicewright.report.html import html_report
from voicewright.report.junit import junit_xml
from voicewright.report.markdown import markdown
from voicewright.report.results import RunReport
from voicewright.report.summary import Summary, summarise
from voicewright.report.view import CaseView, read_suite, view_of_pending, view_of_result
from voicewright.settings import Settings
from voicewright.store.keys import case_key, run_key
from voicewright.store.port import Reader, RecordStore

AUDIO_BUDGET = 20_000_000
"""Bytes of audio that a report carries inside it; failures come first, the rest is linked."""
_READERS = 16
_ORDER = (Outcome.FAILED, None, Outcome.UNREVIEWED, Outcome.ERRORED, Outcome.PASSED)
"""Whose recordings come first; None waits for a person."""


@dataclass(frozen=True)
class Links:
    """Where the web app and the Temporal UI are; empty where there is none."""

    web_url: str = ""
    ui_url: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Links":
        """From an installation's settings."""
        ui = settings.temporal_ui_url
        workflows = f"{ui.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/" if ui else ""
        return cls((settings.web_url or "").rstrip("/"), workflows)

    def run(self, run_id: str) -> str:
        """A run's page."""
        return f"{self.web_url}/runs/{quote(run_id, safe='')}" if self.web_url else ""

    def report(self, run_id: str) -> str:
        """A run's HTML report."""
        return f"{self.web_url}/report/{quote(run_id, safe='')}" if self.web_url else ""

    def review(self, workflow_id: str) -> str:
        """The form that decides a case."""
        return f"{self.web_url}/reviews/{quote(workflow_id)}" if self.web_url else ""

    def defect(self, defect_id: str) -> str:
        """A defect's page."""
        return f"{self.web_url}/defects/{quote(defect_id)}" if self.web_url else ""

    def audio(self, workflow_id: str) -> str:
        """A case's recording."""
        return f"{self.web_url}/audio/{quote(workflow_id)}" if self.web_url else ""


@dataclass(frozen=True)
class Built:
    """The report as files. `audio` counts the recordings inside the page."""

    html: bytes
    markdown: str
    summary: Summary
    audio: int


def build_report(
    store: Reader,
    report: RunReport,
    links: Links,
    *,
    audio_budget: int = AUDIO_BUDGET,
    encode: Callable[[str, bytes], bytes] | None = None,
) -> Built:
    """The HTML page and the Markdown summary of a run.

    Args:
        store: where its cases are.
        report: its results.
        links: where to point.
        audio_budget: bytes of audio to embed.
        encode: makes an MP3 of a recording that has none yet, and may keep it under the key that it is given; without
            it the WAV is embedded.
    """
    suite = read_suite(store, report.suite)
    with ThreadPoolExecutor(_READERS) as pool:
        views = list(pool.map(lambda result: view_of_result(store, result, suite), report.cases))
        views += pool.map(lambda case: view_of_pending(store, report.run_id, case, suite), report.pending)
    kept = {case.workflow_id: case.call.recording.key for case in report.cases if case.call is not None}
    kept |= {case.workflow_id: _file(report.run_id, case.key, "recording.wav") for case in report.pending}
    recorded = [(view, kept[view.workflow_id]) for view in views if view.workflow_id in kept]
    audio = _audio(store, report.run_id, recorded, audio_budget, encode)
    shown: list[CaseView] = [
        view
        if view.workflow_id in audio or not view.duration_ms or view.erased_at
        else view.model_copy(update={"audio": links.audio(view.workflow_id)})
        for view in views
    ]
    summary = summarise(report, views)
    page = html_report(report, summary, shown, audio=audio, ui_url=links.ui_url)
    text = markdown(report, summary, link=links.report(report.run_id))
    return Built(page, text, summary, len(audio))


def publish(
    store: RecordStore, report: RunReport, links: Links, *, encode: Callable[[str, bytes], bytes] | None = None
) -> ReportRefs:
    """Store `results.json`, `junit.xml`, `report.html` and `summary.md` of a run; arguments as of `build_report`."""
    built = build_report(store, report, links, encode=encode)

    def put(file: str, body: bytes, media_type: str) -> ArtifactRef:
        return store.put(run_key(report.run_id, file), body, media_type)

    return ReportRefs(
        report=put("results.json", report.model_dump_json(indent=1).encode(), "application/json"),
        junit=put(
            "junit.xml",
            junit_xml(report.suite.name, report.run_id, report.cases, quarantined=report.quarantined),
            "application/xml",
        ),
        html=put("report.html", built.html, "text/html; charset=utf-8"),
        markdown=put("summary.md", built.markdown.encode(), "text/markdown; charset=utf-8"),
    )


def _audio(
    store: Reader,
    run_id: str,
    recorded: Sequence[tuple[CaseView, str]],
    budget: int,
    encode: Callable[[str, bytes], bytes] | None,
) -> dict[str, tuple[str, bytes]]:
    chosen: dict[str, tuple[str, bytes]] = {}
    for view, wav in sorted(recorded, key=lambda one: _ORDER.index(one[0].outcome)):
        if budget <= 0:
            break
        found = _recording(store, _file(run_id, view.key, "recording.mp3"), wav, encode)
        if found is None:
            continue
        if len(found[1]) > budget:
            break  # and nothing is read or encoded any more
        chosen[view.workflow_id] = found
        budget -= len(found[1])
    return chosen


def _recording(
    store: Reader, mp3: str, wav: str, encode: Callable[[str, bytes], bytes] | None
) -> tuple[str, bytes] | None:
    small = store.get_if_present(mp3)
    if small is not None:
        return "audio/mpeg", small
    raw = store.get_if_present(wav)
    if raw is None:
        return None
    return ("audio/mpeg", encode(mp3, raw)) if encode is not None else ("audio/wav", raw)


def _file(run_id: str, key: CaseKey, name: str) -> str:
    return case_key(run_id, key, name)
