"""Which runs hold calls that are older than an installation keeps them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from voicewright.contracts.case import CaseResult
from voicewright.erasure.cases import RECEIPT
from voicewright.report.results import case_folders
from voicewright.store.port import Reader

_RESULT = "result.json"


def due(store: Reader, days: int, now: datetime | None = None) -> Iterator[tuple[str, list[str]]]:
    """Runs, each with the ids of its cases that ended more than so many days ago and are not erased yet. Blocking.

    Args:
        store: where they are.
        days: for how long they are kept.
        now: the present moment by default.
    """
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    for run_id in _run_ids(store):
        old = []
        for folder, files in case_folders(store, run_id).items():
            if _RESULT not in files or RECEIPT in files:
                continue
            raw = store.get_if_present(f"{folder}/{_RESULT}")
            result = CaseResult.model_validate_json(raw) if raw is not None else None
            if result is not None and _moment(result.ended_at) < limit:
                old.append(result.workflow_id)
        if old:
            yield run_id, old


def _run_ids(store: Reader) -> list[str]:
    return list({unquote(key.split("/")[1]): None for key in store.list_keys("runs/")})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
