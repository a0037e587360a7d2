"""The review queue, a page at a time, the longest waiting first.

Temporal's visibility lists the newest first and, on SQL databases and Temporal Cloud, takes no `ORDER BY`. So a page is
cut out by time: counts of what began until a moment find the moment by which enough began, and only that is listed.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, Field
from temporalio.client import Client, WorkflowExecution

from voicewright.client import search_attributes as attributes
from voicewright.contracts.review import MEMO_OPINIONS, MEMO_REASON, ReviewStatus
from voicewright.contracts.text import clean

MAX_PAGE = 500
_AT_ONCE = 1000
"""Executions that Temporal lists in one answer."""
_TICK = timedelta(milliseconds=1)
_LONGEST_ID = 2_000
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class CursorError(ValueError):
    """What was given as a cursor is none."""


@dataclass(frozen=True)
class ReviewFilter:
    """Which of the waiting cases are meant; empty fields mean any."""

    suite: str = ""
    languages: tuple[str, ...] = ()
    reviewer: str = ""
    """Those that somebody has claimed."""
    free: bool = False
    """Those that nobody has claimed."""

    @property
    def query(self) -> str:
        """For Temporal's visibility."""
        parts = [attributes.REVIEW_QUEUE]
        if self.suite:
            parts.append(f"{attributes.SUITE.name} = {_quoted(self.suite)}")
        if self.languages:
            parts.append(f"{attributes.LANGUAGE.name} IN ({', '.join(map(_quoted, self.languages))})")
        if self.reviewer:
            parts.append(f"{attributes.REVIEWER.name} = {_quoted(self.reviewer)}")
        if self.free:
            parts.append(f"{attributes.REVIEW.name} = '{ReviewStatus.PENDING}'")
        return " AND ".join(parts)


ANY = ReviewFilter()


@dataclass(frozen=True)
class ReviewEntry:
    """A case that waits for a human."""

    workflow_id: str
    suite: str
    case: str
    language: str
    since: datetime
    reason: str = ""
    """Why the machine is unsure."""
    claimed_by: str = ""
    judged_by: tuple[str, ...] = ()
    """Who has given an opinion that did not settle it."""

    @property
    def name(self) -> str:
        """Case, language and caller, and which repeat, where there are several: what tells one from another."""
        parts = self.workflow_id.rsplit("/", 2)
        cell, repeat = parts[1:] if len(parts) == 3 else (self.language, "1")  # noqa: PLR2004 - run and case, cell, repeat
        return f"{self.case} [{cell}]" + (f" #{repeat}" if repeat != "1" else "")


@dataclass(frozen=True)
class ReviewPage:
    """Some of the cases that wait, the longest waiting first."""

    entries: tuple[ReviewEntry, ...]
    following: str = ""
    """The cursor of the next page; empty at the end."""


class _Cursor(BaseModel):
    """The last entry of a page."""

    since: AwareDatetime
    id: str = Field(max_length=_LONGEST_ID)


async def review_page(client: Client, *, limit: int = 100, after: str = "", wanted: ReviewFilter = ANY) -> ReviewPage:
    """A page of the review queue.

    Args:
        client: Temporal.
        limit: entries of a page, 1 to `MAX_PAGE`.
        after: the cursor that the page before gave; empty for the first page.
        wanted: which cases.

    Raises:
        CursorError: `after` is no cursor.
    """
    query = wanted.query
    limit = max(1, min(limit, MAX_PAGE))
    since, last = _read(after) if after else (_FIRST, "")
    until = await _until(client, query, since, limit + 2)
    found = await _later(client, query, since, until, last)
    if until is not None and len(found) <= limit:  # too many began at the moment of the last one
        found = await _later(client, query, since, None, last)
    entries = [await _entry(one) for one in found[:limit]]
    more = len(found) > limit
    return ReviewPage(tuple(entries), place_after(entries[-1].since, entries[-1].workflow_id) if more else "")


async def _until(client: Client, query: str, since: datetime, wanted: int) -> datetime | None:
    """A moment until which at least `wanted` and not many more began; None where all that began since are few."""
    if await _count(client, query, since) <= _AT_ONCE:
        return None
    low, high = since, datetime.now(UTC) + timedelta(days=1)
    while high - low > _TICK:
        middle = low + (high - low) / 2
        count = await _count(client, query, since, middle)
        if wanted <= count <= _AT_ONCE:
            return middle
        low, high = (middle, high) if count < wanted else (low, middle)
    return high


async def _count(client: Client, query: str, since: datetime, until: datetime | None = None) -> int:
    return (await client.count_workflows(_between(query, since, until))).count


async def _later(
    client: Client, query: str, since: datetime, until: datetime | None, last: str
) -> list[WorkflowExecution]:
    """What began from `since` until `until`, after the entry `last` that began at `since`; in order."""
    found = [one async for one in client.list_workflows(_between(query, since, until), page_size=_AT_ONCE)]
    later = (one for one in found if (one.start_time, one.id) > (since, last))
    return sorted(later, key=lambda one: (one.start_time, one.id))


def place_after(started: datetime, workflow_id: str) -> str:
    """The cursor of what follows a case that began then."""
    text = _Cursor(since=started, id=workflow_id).model_dump_json()
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _quoted(value: str) -> str:
    """A string of Temporal's visibility queries, in which a quotation mark is doubled."""
    value = clean(value)  # a NUL ends a query within it
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _between(query: str, since: datetime, until: datetime | None) -> str:
    query = f"{query} AND StartTime >= '{_moment(since)}'"
    return query if until is None else f"{query} AND StartTime <= '{_moment(until)}'"


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


async def _entry(item: WorkflowExecution) -> ReviewEntry:
    known, memo = item.typed_search_attributes, await item.memo()
    return ReviewEntry(
        workflow_id=item.id,
        suite=known.get(attributes.SUITE) or "",
        case=known.get(attributes.CASE) or "",
        language=known.get(attributes.LANGUAGE) or "",
        since=item.start_time,
        reason=str(memo.get(MEMO_REASON, "")),
        claimed_by=known.get(attributes.REVIEWER) or "",
        judged_by=tuple(str(name) for name in memo.get(MEMO_OPINIONS, ())),
    )


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        last = _Cursor.model_validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:  # of base64, of pydantic
        raise CursorError("this is no cursor of the review queue: start again with the first page") from None
    return min(max(last.since, _FIRST), datetime.now(UTC)), last.id
