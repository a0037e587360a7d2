"""The audit log: searched by an admin, and exported."""

import asyncio
import csv
import io
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.admin.accounts import kept
from api.guard.who import Admin, needs, noted
from api.pages import page
from api.services import Given
from voicewright.accounts.audit import AuditEntry
from voicewright.contracts.access import AuditAction, Permission

router = APIRouter()
_PAGE = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would compute what begins so."""
_Text = Annotated[str, Query(max_length=1000)]


@router.get("/audit", dependencies=[needs(Permission.ADMINISTER)])
async def show(
    request: Request,
    given: Given,
    actor: _Text = "",
    action: AuditAction | str = "",
    subject: _Text = "",
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """Entries, the newest first: by who, what and on what."""
    log = kept(given).audit
    asked = AuditAction(action) if action in set(AuditAction) else None
    found = await asyncio.to_thread(
        log.entries, actor=actor.strip(), action=asked, subject=subject.strip(), before=before, limit=_PAGE
    )
    chosen = {"actor": actor, "action": asked or "", "subject": subject}
    further = {**chosen, "before": str(found[-1].number)} if len(found) == _PAGE else {}
    query = urlencode({name: value for name, value in further.items() if value})
    return page(
        request,
        "audit.html",
        entries=found,
        actions=list(AuditAction),
        chosen=chosen,
        older=f"/audit?{query}" if further else "",
    )


@router.get("/audit.csv")
async def export(given: Given, who: Admin) -> Response:
    """All entries as CSV, which is noted too."""
    log = kept(given).audit
    await noted(given, who, AuditAction.AUDIT_EXPORTED, "audit")
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_lines(log.everything()), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(entries: Iterator[AuditEntry]) -> Iterator[str]:
    yield "number,at,actor,kind,action,subject,detail,address\r\n"
    for one in entries:
        line = io.StringIO()
        cells = (one.actor, one.kind, one.action, one.subject, one.detail, one.address)
        csv.writer(line).writerow((one.number, one.at.isoformat(), *(_cell(cell) for cell in cells)))
        yield line.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
