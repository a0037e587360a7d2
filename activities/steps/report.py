"""The last step of a run: its results, JUnit XML, HTML report and Markdown summary, from all of its cases."""

import asyncio

from temporalio import activity

from activities.heartbeat import heartbeats
from activities.ports.recording import NoRecords, Recording
from activities.ports.speech import Encoder
from voicewright.contracts.case import Outcome
from voicewright.contracts.steps import ReportRefs, ReportRequest
from voicewright.report.build import Links, publish
from voicewright.report.results import gather
from voicewright.store.keys import baseline_key
from voicewright.store.port import ObjectStore


class ReportStep:
    """Gathers. `encoder` makes recordings small enough for a page; `records` hear that the run has ended."""

    def __init__(self, store: ObjectStore, links: Links, encoder: Encoder, records: Recording | None = None) -> None:
        self._records = records or NoRecords()
        self._store = store
        self._links = links
        self._encoder = encoder

    @activity.defn(name="publish_report")
    async def publish_report(self, request: ReportRequest) -> ReportRefs:
        """Store `results.json`, `junit.xml`, `report.html` and `summary.md` of a run."""
        async with heartbeats(lambda: "gathering results"):
            refs = await asyncio.to_thread(self._publish, request)
            await self._records.run(request.run_id)
        return refs

    def _publish(self, request: ReportRequest) -> ReportRefs:
        report = gather(self._store, request, finished=True, counts=request.counts, cancelled=request.cancelled)
        refs = publish(self._store, report, self._links, encode=self._small)
        judged = any(case.outcome in {Outcome.PASSED, Outcome.FAILED} for case in report.cases)
        if request.branch and request.whole and judged and not request.cancelled:
            key = baseline_key(request.suite.name, request.branch)
            self._store.put(key, request.run_id.encode(), "text/plain")
        return refs

    def _small(self, key: str, wav: bytes) -> bytes:
        mp3 = self._encoder.mp3(wav)
        self._store.put(key, mp3, "audio/mpeg")
        return mp3
