"""The tables. Every one has a `project`; rows are known by the ids that the object store has, numbers are internal.

Where a change is made here, a migration makes it in databases that exist: a test holds the two against each other.
"""

from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, Integer, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, on every database."""
NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts rows up by itself in columns of this type alone."""


class Moment(TypeDecorator[datetime]):
    """A moment, in UTC wherever it lies; SQLite knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """The column's type."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Number = Annotated[int, mapped_column(NUMBER, primary_key=True)]
Project = Annotated[str, mapped_column(TEXT)]


class Base(DeclarativeBase):
    """What the tables share: names of constraints that are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: TEXT, datetime: Moment}


class SuiteRow(Base):
    """A suite that was run."""

    __tablename__ = "suites"
    __table_args__ = (UniqueConstraint("project", "name"),)

    id: Mapped[Number]
    project: Mapped[Project]
    name: Mapped[str]


class SuiteVersionRow(Base):
    """A version of a suite that was run; `version` is the digest of its text."""

    __tablename__ = "suite_versions"
    __table_args__ = (UniqueConstraint("suite_id", "version"),)

    id: Mapped[Number]
    project: Mapped[Project]
    suite_id: Mapped[int] = mapped_column(NUMBER, ForeignKey("suites.id"))
    version: Mapped[str]


class RunRow(Base):
    """See `RunRecord`."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("project", "run_id"),
        Index(None, "project", "started_at", "run_id"),
        Index(None, "suite_id", "started_at", "run_id"),
    )

    id: Mapped[Number]
    project: Mapped[Project]
    run_id: Mapped[str]
    suite_id: Mapped[int] = mapped_column(NUMBER, ForeignKey("suites.id"))
    """Of its version, once more: lists of a suite's runs are read by it."""
    suite_version_id: Mapped[int] = mapped_column(NUMBER, ForeignKey("suite_versions.id"))
    channel: Mapped[str]
    agent: Mapped[str]
    total: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    cancelled: Mapped[bool]
    branch: Mapped[str]
    commit: Mapped[str]
    whole: Mapped[bool]


class CaseRow(Base):
    """See `CaseRecord`."""

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("project", "workflow_id"), Index(None, "run_id", "outcome"))

    id: Mapped[Number]
    project: Mapped[Project]
    workflow_id: Mapped[str]
    run_id: Mapped[int] = mapped_column(NUMBER, ForeignKey("runs.id", ondelete="CASCADE"))
    case: Mapped[str]
    language: Mapped[str]
    profile: Mapped[str]
    repeat: Mapped[int]
    outcome: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error_kind: Mapped[str]
    error_step: Mapped[str | None]
    decision: Mapped[str | None]
    confidence: Mapped[float | None]
    call_end: Mapped[str | None]
    call_ms: Mapped[int | None]
    dials: Mapped[int]
    recording: Mapped[str]


Case = Annotated[
    int, mapped_column(NUMBER, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
]
Place = Annotated[int, mapped_column(Integer, primary_key=True, autoincrement=False)]


class TurnRow(Base):
    """See `TurnRecord`; `place` counts from 0."""

    __tablename__ = "turns"

    case_id: Mapped[Case]
    place: Mapped[Place]
    project: Mapped[Project]
    turn: Mapped[int]
    caller_start_ms: Mapped[int | None]
    caller_end_ms: Mapped[int | None]
    agent_start_ms: Mapped[int | None]
    agent_end_ms: Mapped[int | None]
    ttfa_ms: Mapped[int | None]
    stop_ms: Mapped[int | None]
    overlap_ms: Mapped[int]
    busy_ms: Mapped[int]
    interrupts: Mapped[bool]
    resumed: Mapped[bool]


class CheckRow(Base):
    """See `CheckRecord`; `place` counts from 0."""

    __tablename__ = "checks"

    case_id: Mapped[Case]
    place: Mapped[Place]
    project: Mapped[Project]
    kind: Mapped[str]
    turn: Mapped[int | None]
    outcome: Mapped[str]
    hard: Mapped[bool]
    breach: Mapped[str | None]
    doubt: Mapped[str | None]
    confidence: Mapped[float]


class ReviewRow(Base):
    """See `ReviewRecord`: one a case."""

    __tablename__ = "reviews"

    case_id: Mapped[Case]
    project: Mapped[Project]
    asked_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
    reviewer: Mapped[str]


class OpinionRow(Base):
    """See `OpinionRecord`; `place` counts from 0."""

    __tablename__ = "opinions"
    __table_args__ = (Index(None, "project", "given_at"),)

    case_id: Mapped[Case]
    place: Mapped[Place]
    project: Mapped[Project]
    reviewer: Mapped[str]
    verdict: Mapped[str]
    category: Mapped[str | None]
    severity: Mapped[str | None]
    overrules: Mapped[bool]
    given_at: Mapped[datetime]


class BlindReviewRow(Base):
    """See `BlindRecord`: at most one a case."""

    __tablename__ = "blind_reviews"
    __table_args__ = (Index(None, "project", "decided_at"),)

    case_id: Mapped[Case]
    project: Mapped[Project]
    decided: Mapped[str]
    verdict: Mapped[str]
    reviewer: Mapped[str]
    decided_at: Mapped[datetime]


class CaseDefectRow(Base):
    """A defect that a case shows; `place` counts from 0. It may be recorded later than the case."""

    __tablename__ = "case_defects"

    case_id: Mapped[Case]
    place: Mapped[Place]
    project: Mapped[Project]
    defect: Mapped[str]


class DefectRow(Base):
    """See `DefectRecord`."""

    __tablename__ = "defects"
    __table_args__ = (UniqueConstraint("project", "defect"),)

    id: Mapped[Number]
    project: Mapped[Project]
    defect: Mapped[str]
    suite: Mapped[str]
    check: Mapped[str]
    status: Mapped[str]
    seen: Mapped[int]
    regressions: Mapped[int]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    issue: Mapped[str]
