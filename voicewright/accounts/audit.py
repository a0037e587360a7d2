"""The audit log: appended to, read, exported; nothing is ever changed in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert, select

from voicewright.accounts.models import AuditRow
from voicewright.contracts.access import ActorKind, AuditAction, Identity
from voicewright.contracts.records import PROJECT
from voicewright.records.database import reading, writing

_LONGEST = 1000
_AT_ONCE = 1000


@dataclass(frozen=True)
class AuditEntry:
    """`number` grows with time; `subject` is what it was done to: an account, a token, a case, a defect, a run."""

    number: int
    at: datetime
    actor: str
    kind: ActorKind
    action: AuditAction
    subject: str
    detail: str
    address: str


class AuditLog:
    """The log of a project. Blocking; thread-safe. Raises `RecordsError` and nothing else."""

    def __init__(self, engine: Engine, project: str = PROJECT) -> None:
        self._engine = engine
        self._project = project

    def note(self, by: Identity, action: AuditAction, subject: str, detail: str = "") -> None:
        """Append an entry."""
        with writing(self._engine) as connection:
            note(connection, self._project, by, action, subject, detail)

    def entries(
        self,
        *,
        actor: str = "",
        action: AuditAction | None = None,
        subject: str = "",
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """The newest entries first: those of somebody, of a kind, on something; all that came before a number."""
        wanted = select(AuditRow.__table__).where(AuditRow.project == self._project)
        if actor:
            wanted = wanted.where(AuditRow.actor == actor)
        if action is not None:
            wanted = wanted.where(AuditRow.action == action)
        if subject:
            wanted = wanted.where(AuditRow.subject == subject)
        if before is not None:
            wanted = wanted.where(AuditRow.id < before)
        with reading(self._engine) as connection:
            found = connection.execute(wanted.order_by(AuditRow.id.desc()).limit(limit)).mappings().all()
        return [
            AuditEntry(
                number=row["id"],
                at=row["at"],
                actor=row["actor"],
                kind=ActorKind(row["kind"]),
                action=AuditAction(row["action"]),
                subject=row["subject"],
                detail=row["detail"],
                address=row["address"],
            )
            for row in found
        ]

    def everything(self) -> Iterator[AuditEntry]:
        """All entries, the newest first, some at a time."""
        before = None
        while found := self.entries(before=before, limit=_AT_ONCE):
            yield from found
            before = found[-1].number


def note(
    connection: Connection, project: str, by: Identity, action: AuditAction, subject: str, detail: str = ""
) -> None:
    """Append an entry in the transaction of what it tells of."""
    connection.execute(
        insert(AuditRow).values(
            project=project,
            at=datetime.now(UTC),
            actor=by.name[:_LONGEST],
            kind=by.kind,
            action=action,
            subject=subject[:_LONGEST],
            detail=detail[:_LONGEST],
            address=by.address[:_LONGEST],
        )
    )
