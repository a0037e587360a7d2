"""Results of a run as they are stored, finished or not; verdicts, which Temporal knows only by reference."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseKey, CaseResult, CaseSummary, CaseUpdate, Outcome
from voicewright.contracts.run import RunFacts
from voicewright.contracts.steps import ReviewRequest
from voicewright.contracts.verdict import Decision, Verdict, VerdictSummary
from voicewright.store.keys import run_key
from voicewright.store.port import Reader
from voicewright.store.reading import read_all

_RESULT, _ASKED, _VERDICT = "result.json", "review-0.json", "verdict.json"


class NoReportError(Exception):
    """Nothing of a run is stored; the message says what to do."""


class PendingCase(Contract):
    """A case that waits for a person."""

    key: CaseKey
    workflow_id: str
    reason: str = ""
    verdict: Verdict | None = None


class RunReport(RunFacts):
    """Everything about a run; stored as `results.json` when it has finished."""

    counts: dict[Outcome, int]
    not_run: int
    """Cases without an outcome that do not wait for a person either."""
    cancelled: bool
    ended_at: str
    """When it ended; of a run that goes on, when this was gathered."""
    finished: bool = True
    cases: tuple[CaseResult, ...]
    pending: tuple[PendingCase, ...] = ()


def gather(
    store: Reader,
    facts: RunFacts,
    *,
    finished: bool,
    counts: Mapping[Outcome, int] | None = None,
    cancelled: bool = False,
) -> RunReport:
    """The report of a run from what is stored of it.

    Args:
        store: where its cases are.
        facts: what it is about.
        finished: whether nothing is missing any more.
        counts: outcomes as the run counted them; without them as they are stored.
        cancelled: whether it was stopped.
    """
    cases, pending = stored_cases(store, facts.run_id)
    pending = [] if finished else pending
    counted = dict(counts) if counts is not None else dict(Counter(case.outcome for case in cases))
    return RunReport(
        **{name: getattr(facts, name) for name in RunFacts.model_fields},
        counts=counted,
        not_run=max(0, facts.total - sum(counted.values()) - len(pending)),
        cancelled=cancelled,
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        finished=finished,
        cases=tuple(cases),
        pending=tuple(pending),
    )


def read_report(store: Reader, run_id: str) -> RunReport:
    """A run's results: all of them, or what there is so far.

    Raises:
        NoReportError: there is no such run, or it is not planned yet.
    """
    raw = store.get_if_present(run_key(run_id, "results.json"))
    if raw is not None:
        return RunReport.model_validate_json(raw)
    return gather(store, run_facts(store, run_id), finished=False)


def run_facts(store: Reader, run_id: str) -> RunFacts:
    """What a run is about.

    Raises:
        NoReportError: there is no such run, or it is not planned yet.
    """
    raw = store.get_if_present(run_key(run_id, "run.json"))
    if raw is not None:
        return RunFacts.model_validate_json(raw)
    known = case_results(store, run_id)  # a worker of version 0.1.0 noted nothing when it planned a run
    if not known:
        raise NoReportError(f"nothing of a run {run_id!r} is stored; `voicewright runs list` shows what there is")
    return RunFacts(run_id=run_id, suite=known[0].suite, agent="", total=len(known), started_at=known[0].started_at)


def case_results(store: Reader, run_id: str) -> list[CaseResult]:
    """The result of every finished case of a run, in the order of their ids."""
    return stored_cases(store, run_id)[0]


def stored_cases(store: Reader, run_id: str) -> tuple[list[CaseResult], list[PendingCase]]:
    """The finished cases of a run and those that wait for a person, in the order of their ids."""
    folders = case_folders(store, run_id)
    ended = [folder for folder, files in folders.items() if _RESULT in files]
    unsure = [folder for folder, files in folders.items() if _RESULT not in files and files & {_ASKED, _VERDICT}]
    results = [raw for raw in read_all(store, (f"{folder}/{_RESULT}" for folder in ended)) if raw is not None]
    asked, verdicts = (read_all(store, (f"{folder}/{file}" for folder in unsure)) for file in (_ASKED, _VERDICT))
    waiting = (_pending(run_id, *found) for found in zip(unsure, asked, verdicts, strict=True))
    return [CaseResult.model_validate_json(raw) for raw in results], [one for one in waiting if one is not None]


def some_results(store: Reader, run_id: str, offset: int, limit: int) -> tuple[list[CaseResult], int]:
    """Some of the finished cases of a run, in the order of their ids, and how many there are in all."""
    ended = sorted(folder for folder, files in case_folders(store, run_id).items() if _RESULT in files)
    raws = read_all(store, (f"{folder}/{_RESULT}" for folder in ended[offset : offset + limit]))
    return [CaseResult.model_validate_json(raw) for raw in raws if raw is not None], len(ended)


def case_folders(store: Reader, run_id: str) -> dict[str, set[str]]:
    """The files of every case of a run, by the folder that they lie in."""
    folders: dict[str, set[str]] = {}
    for key in store.list_keys(run_key(run_id, "cases/")):
        folder, _, file = key.rpartition("/")
        folders.setdefault(folder, set()).add(file)
    return folders


def key_of(folder: str) -> CaseKey:
    """The case that a folder is for."""
    return CaseKey.of(*(unquote(part) for part in folder.split("/")[-3:]))


def waits(asked: bytes | None, verdict: Verdict | None) -> bool:
    """Whether a case without a result waits for a person: one was asked, or the verdict wants one."""
    return asked is not None or (verdict is not None and verdict.decision is Decision.REVIEW)


def _pending(run_id: str, folder: str, asked: bytes | None, raw: bytes | None) -> PendingCase | None:
    """The case of a folder without a result, if it waits for a person."""
    verdict = Verdict.model_validate_json(raw) if raw is not None else None
    if not waits(asked, verdict):
        return None
    key = key_of(folder)
    reason = ReviewRequest.model_validate_json(asked).reason if verdict is None and asked is not None else ""
    reason = verdict.reason if verdict is not None else reason
    return PendingCase(key=key, workflow_id=f"{run_id}/{key}", reason=reason, verdict=verdict)


def read_verdict(store: Reader, summary: VerdictSummary | None) -> Verdict | None:
    """The verdict that a summary refers to; None where there is none, or it was erased."""
    if summary is None or summary.stored is None:
        return summary.whole if summary is not None else None
    raw = store.get_if_present(summary.stored.key)
    return Verdict.model_validate_json(raw) if raw is not None else None


def full_result(store: Reader, summary: CaseSummary) -> CaseResult:
    """What is stored of a case that ended, from what its workflow knows of it."""
    verdict = read_verdict(store, summary.verdict)
    error = summary.error
    if error is not None and verdict is not None and verdict.decision is Decision.INVALID:
        error = error.model_copy(update={"message": verdict.reason})
    return CaseResult.model_validate({**dict(summary), "verdict": verdict, "error": error})


def full_reason(store: Reader, update: CaseUpdate) -> str:
    """Why a case ended so, in the words of its stored result; as the workflow tells it where nothing is stored."""
    raw = store.get_if_present(update.result.key) if update.result is not None else None
    return CaseResult.model_validate_json(raw).reason if raw is not None else update.reason
