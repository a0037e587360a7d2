"""The last step of a run: its results, JUnit XML, HTML report and Markdown summary, from all of its cases."""

import asyncio
from datetime import UTC, datetime

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.ports import Encoder, ObjectStore
from voicewright.artifact import ArtifactRef, baseline_key, run_key
from voicewright.case import CaseResult
from voicewright.outcome import Outcome
from voicewright.report.build import Links, build_report, mp3_key
from voicewright.results import RunReport, case_results, junit_xml
from voicewright.run import ReportRefs, ReportRequest

_JSON = "application/json"


class ReportStep:
    """Gathers. `encoder` makes recordings small enough for a page."""

    def __init__(self, store: ObjectStore, links: Links, encoder: Encoder) -> None:
        self._store = store
        self._links = links
        self._encoder = encoder

    @activity.defn(name="publish_report")
    async def publish_report(self, request: ReportRequest) -> ReportRefs:
        """Store `results.json`, `junit.xml`, `report.html` and `summary.md` of a run."""
        async with heartbeats(lambda: "gathering results"):
            return await asyncio.to_thread(self._publish, request)

    def _publish(self, request: ReportRequest) -> ReportRefs:
        cases = case_results(self._store, request.run_id)
        report = RunReport(
            run_id=request.run_id,
            suite=request.suite,
            agent=request.agent,
            total=request.total,
            counts=request.counts,
            not_run=request.total - sum(request.counts.values()),
            cancelled=request.cancelled,
            started_at=request.started_at,
            ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
            branch=request.branch,
            commit=request.commit,
            cases=tuple(cases),
        )
        built = build_report(self._store, report, self._links, encode=self._small)
        junit = junit_xml(request.suite.name, request.run_id, cases)
        refs = ReportRefs(
            report=self._put(request, "results.json", report.model_dump_json(indent=1).encode(), _JSON),
            junit=self._put(request, "junit.xml", junit, "application/xml"),
            html=self._put(request, "report.html", built.html, "text/html; charset=utf-8"),
            markdown=self._put(request, "summary.md", built.markdown.encode(), "text/markdown; charset=utf-8"),
        )
        judged = any(case.outcome in {Outcome.PASSED, Outcome.FAILED} for case in cases)
        if request.branch and request.whole and judged and not request.cancelled:
            key = baseline_key(request.suite.name, request.branch)
            self._store.put(key, request.run_id.encode(), "text/plain")
        return refs

    def _small(self, result: CaseResult, wav: bytes) -> bytes:
        mp3 = self._encoder.mp3(wav)
        self._store.put(mp3_key(result), mp3, "audio/mpeg")
        return mp3

    def _put(self, request: ReportRequest, file: str, body: bytes, media_type: str) -> ArtifactRef:
        return self._store.put(run_key(request.run_id, file), body, media_type)
