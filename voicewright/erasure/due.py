"""Which runs hold calls that are older than an installation keeps them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from voicewright.contracts.case import CaseResult
from voicewright.contracts.run import RunFacts
from voicewright.erasure.cases import RECEIPT
from voicewright.report.recording import ids_under, moment_of
from voicewright.report.results import case_folders
from voicewright.store.keys import run_key
from voicewright.store.port import Reader

_RESULT = "result.json"


def due(
    store: Reader, days: int, now: datetime | None = None, unreadable: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[str, list[str]]]:
    """Runs, each with the ids of its cases that ended more than so many days ago and are not erased yet. Blocking.

    Args:
        store: where they are.
        days: for how long they are kept.
        now: the present moment by default.
        unreadable: hears the folder of each case whose result cannot be read.
    """
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    for run_id in ids_under(store, "runs/"):
        if _began_after(store, run_id, limit):
            continue
        old = []
        for folder, files in case_folders(store, run_id).items():
            if _RESULT not in files or RECEIPT in files:
                continue
            raw = store.get_if_present(f"{folder}/{_RESULT}")
            try:
                result = CaseResult.model_validate_json(raw) if raw is not None else None
            except ValueError:
                unreadable(folder)
                continue
            if result is not None and _before(result.ended_at, limit):
                old.append(result.workflow_id)
        if old:
            yield run_id, old


def _began_after(store: Reader, run_id: str, moment: datetime) -> bool:
    """Whether a run is known to have begun later, so that none of its cases can have ended before."""
    raw = store.get_if_present(run_key(run_id, "run.json"))
    try:
        return raw is not None and not _before(RunFacts.model_validate_json(raw).started_at, moment)
    except ValueError:
        return False


def _before(text: str, limit: datetime) -> bool:
    moment = moment_of(text)
    return moment is not None and moment < limit
