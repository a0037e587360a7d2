"""From stored results to the files that people read; the same when a run ends and when somebody asks again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

from voicewright.artifact import case_key, run_key
from voicewright.case import CaseResult
from voicewright.outcome import Outcome
from voicewright.report.html import html_report
from voicewright.report.summary import Summary, markdown, summarise
from voicewright.report.view import CaseView, Reader, read_suite, view_of_result
from voicewright.results import RunReport
from voicewright.settings import Settings

AUDIO_BUDGET = 20_000_000
"""Bytes of audio that a report carries inside it; failures come first, the rest is linked."""
_READERS = 16
_ORDER = {Outcome.FAILED: 0, Outcome.UNREVIEWED: 1, Outcome.ERRORED: 2, Outcome.PASSED: 3}


class NoReportError(Exception):
    """There is no finished run of that id; the message says what to do."""


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


def read_report(store: Reader, run_id: str) -> RunReport:
    """A finished run's results.

    Raises:
        NoReportError: there are none.
    """
    raw = store.get_if_present(run_key(run_id, "results.json"))
    if raw is None:
        raise NoReportError(
            f"no results of a run {run_id!r} are stored: has it finished? `voicewright runs show` tells"
        )
    return RunReport.model_validate_json(raw)


def build_report(
    store: Reader,
    report: RunReport,
    links: Links,
    *,
    audio_budget: int = AUDIO_BUDGET,
    encode: Callable[[CaseResult, bytes], bytes] | None = None,
) -> Built:
    """The HTML page and the Markdown summary of a run.

    Args:
        store: where its cases are.
        report: its results.
        links: where to point.
        audio_budget: bytes of audio to embed.
        encode: makes an MP3 of a recording that has none yet, and may keep it; without it the WAV is embedded.
    """
    suite = read_suite(store, report.suite)
    with ThreadPoolExecutor(_READERS) as pool:
        views = list(pool.map(lambda result: view_of_result(store, result, suite), report.cases))
    audio = _audio(store, report.cases, audio_budget, encode)
    shown: list[CaseView] = [
        view
        if view.workflow_id in audio or not view.duration_ms
        else view.model_copy(update={"audio": links.audio(view.workflow_id)})
        for view in views
    ]
    summary = summarise(report, views)
    page = html_report(report, summary, shown, audio=audio, ui_url=links.ui_url)
    text = markdown(report, summary, link=links.report(report.run_id))
    return Built(page, text, summary, len(audio))


def _audio(
    store: Reader,
    results: Sequence[CaseResult],
    budget: int,
    encode: Callable[[CaseResult, bytes], bytes] | None,
) -> dict[str, tuple[str, bytes]]:
    chosen: dict[str, tuple[str, bytes]] = {}
    for result in sorted(results, key=lambda one: _ORDER[one.outcome]):
        if result.call is None or budget <= 0:
            continue
        found = _recording(store, result, encode)
        if found is None:
            continue
        if len(found[1]) > budget:
            break  # and nothing is read or encoded any more
        chosen[result.workflow_id] = found
        budget -= len(found[1])
    return chosen


def _recording(
    store: Reader, result: CaseResult, encode: Callable[[CaseResult, bytes], bytes] | None
) -> tuple[str, bytes] | None:
    assert result.call is not None
    small = store.get_if_present(mp3_key(result))
    if small is not None:
        return "audio/mpeg", small
    wav = store.get_if_present(result.call.recording.key)
    if wav is None:
        return None
    return ("audio/mpeg", encode(result, wav)) if encode is not None else ("audio/wav", wav)


def mp3_key(result: CaseResult) -> str:
    """Where a recording lies in a form that is small enough for pages."""
    key = result.key
    return case_key(result.run_id, key.case, key.cell, key.repeat, "recording.mp3")
