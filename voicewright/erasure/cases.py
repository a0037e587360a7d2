"""Erasing what was said in the cases of one run, wherever we keep it.

Every step may be repeated: whoever is interrupted begins again and comes to the same. The receipt is confirmed last.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from voicewright.contracts.blind import BLIND_FILE, BlindResult
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseKey, CaseResult
from voicewright.contracts.erasure import ErasureReceipt, ErasureRequest, without_words
from voicewright.contracts.steps import ReviewRequest
from voicewright.defects.log import DefectLog, UnknownDefectError
from voicewright.report.build import Links, publish
from voicewright.report.results import RunReport, case_folders, key_of, stored_cases
from voicewright.store.keys import case_key, decision_key, run_key
from voicewright.store.port import ObjectStore, Reader

_JSON = "application/json"
_RESULT, _CALL, _ASKED, RECEIPT = "result.json", "call.json", "review-0.json", "erased.json"
_KEPT = {_RESULT, _CALL, _ASKED, BLIND_FILE, RECEIPT}
"""Files of a case that stay, without words."""


class NothingToEraseError(Exception):
    """There is no such run or case; the message says what to do."""


class ErasableStore(ObjectStore, Protocol):
    """An object store that can forget what it replaced or removed."""

    def forget_versions(self, prefix: str) -> None:
        """Remove what a bucket with versions still keeps of objects that were replaced or removed."""


@dataclass
class _Erased:
    """What was done so far."""

    keys: list[CaseKey] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    objects: int = 0
    defects: set[str] = field(default_factory=set)
    issues: set[str] = field(default_factory=set)


def chosen(store: Reader, request: ErasureRequest) -> dict[str, tuple[str, set[str]]]:
    """The cases that a request means, by id: the folder and the files of each. Blocking.

    Raises:
        NothingToEraseError: there is no such run, or no such case of it.
    """
    folders = case_folders(store, request.run_id)
    named = {f"{request.run_id}/{key_of(folder)}": (folder, files) for folder, files in sorted(folders.items())}
    if not named:
        raise NothingToEraseError(
            f"nothing of a run {request.run_id!r} is stored; `voicewright runs list` shows what there is"
        )
    if unknown := sorted(set(request.cases) - named.keys()):
        raise NothingToEraseError(f"the run {request.run_id} has no case {unknown[0]}; its page lists them")
    return {name: found for name, found in named.items() if name in request.cases} if request.cases else named


class Eraser:
    """Blocking; thread-safe. Raises what the store raises.

    Args:
        store: where calls are kept.
        links: for the report, which is made anew.
        project: whose judge learned from people's decisions.
    """

    def __init__(self, store: ErasableStore, links: Links, project: str = "default") -> None:
        self._store = store
        self._links = links
        self._project = project
        self._log = DefectLog(store)

    def erase(self, request: ErasureRequest) -> tuple[ErasureReceipt, list[CaseKey]]:
        """Erase cases of one run that have ended.

        Args:
            request: which.

        Returns:
            What was erased, and the keys of these cases: for `confirm`, once everybody else has followed.

        Raises:
            NothingToEraseError: there is no such run, or no such case of it.
        """
        folders = chosen(self._store, request)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        done = _Erased()
        for workflow_id, (folder, files) in folders.items():
            if _RESULT not in files:
                done.waiting.append(workflow_id)
                continue
            self._erase(folder, files, at, done)
        if done.cases:
            self._report_again(request.run_id)
            self._store.forget_versions(run_key(request.run_id, ""))
        return ErasureReceipt(
            run_id=request.run_id,
            at=at,
            by=request.by,
            reason=request.reason,
            cases=tuple(done.cases),
            objects=done.objects,
            defects=tuple(sorted(done.defects)),
            issues=tuple(sorted(done.issues)),
            waiting=tuple(done.waiting),
        ), done.keys

    def confirm(self, receipt: ErasureReceipt, keys: Collection[CaseKey]) -> None:
        """Store what was erased beside each case: once that is there, nobody looks at the case again."""
        body = receipt.model_dump_json(indent=1).encode()
        for key in keys:
            file = case_key(receipt.run_id, key, RECEIPT)
            self._store.put_if_absent(file, body, _JSON)

    def _erase(self, folder: str, files: Collection[str], at: str, done: _Erased) -> None:
        store = self._store
        result = CaseResult.model_validate_json(store.get(f"{folder}/{_RESULT}"))
        for defect in dict.fromkeys((result.defect, *result.more_defects)):
            self._erase_defect(defect, result.workflow_id, done)
        store.delete(decision_key(self._project, result.workflow_id))
        for file in sorted(set(files) - _KEPT):
            store.delete(f"{folder}/{file}")
            done.objects += 1
        self._keep_numbers(folder, files)
        erased = without_words(result).model_copy(update={"erased_at": result.erased_at or at})
        store.put(f"{folder}/{_RESULT}", erased.model_dump_json(indent=1).encode(), _JSON)
        done.cases.append(result.workflow_id)
        done.keys.append(result.key)

    def _keep_numbers(self, folder: str, files: Collection[str]) -> None:
        """Of what a call and its reviews left behind: times and outcomes, without words and the outline of voices."""
        if _CALL in files:
            call = CallRecord.model_validate_json(self._store.get(f"{folder}/{_CALL}"))
            kept = without_words(call).model_copy(update={"waveform": None})
            self._store.put(f"{folder}/{_CALL}", kept.model_dump_json().encode(), _JSON)
        if BLIND_FILE in files:
            blind = without_words(BlindResult.model_validate_json(self._store.get(f"{folder}/{BLIND_FILE}")))
            self._store.put(f"{folder}/{BLIND_FILE}", blind.model_dump_json(indent=1).encode(), _JSON)
        if _ASKED in files:
            asked = without_words(AskedFor.model_validate_json(self._store.get(f"{folder}/{_ASKED}")))
            self._store.put(f"{folder}/{_ASKED}", asked.model_dump_json().encode(), _JSON)

    def _erase_defect(self, defect_id: str, workflow_id: str, done: _Erased) -> None:
        if not defect_id:
            return
        try:
            defect = self._log.erase(defect_id, workflow_id)
        except UnknownDefectError:
            return
        done.defects.add(defect_id)
        if defect.issue is not None:
            done.issues.add(defect.issue.url)

    def _report_again(self, run_id: str) -> None:
        """The report of a run that has ended; of one that goes on there is none yet."""
        raw = self._store.get_if_present(run_key(run_id, "results.json"))
        if raw is None:
            return
        cases, _ = stored_cases(self._store, run_id)
        report = RunReport.model_validate_json(raw).model_copy(update={"cases": tuple(cases)})
        publish(self._store, report, self._links)


class AskedFor(ReviewRequest):
    """A review request as it is stored."""

    asked_at: str = ""
