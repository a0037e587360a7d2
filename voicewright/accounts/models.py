"""The tables of accounts. Secrets are kept as digests alone."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voicewright.records.models import NUMBER, TEXT, Base, Number, Project


class AccountRow(Base):
    """A person. `password` is an Argon2id hash in PHC's string format; `subject` is whom an identity provider knows."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("name"), Index(None, "subject", unique=True))

    id: Mapped[Number]
    name: Mapped[str]
    password: Mapped[str]
    closed: Mapped[bool]
    added_at: Mapped[datetime]
    subject: Mapped[str | None]


class RoleRow(Base):
    """What an account is in a project."""

    __tablename__ = "roles"

    account_id: Mapped[int] = mapped_column(
        NUMBER, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project: Mapped[str] = mapped_column(TEXT, primary_key=True)
    role: Mapped[str]


class SessionRow(Base):
    """A browser that is logged in, known by the SHA-256 of what its cookie holds."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "account_id"),)

    digest: Mapped[str] = mapped_column(TEXT, primary_key=True)
    account_id: Mapped[int] = mapped_column(NUMBER, ForeignKey("accounts.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class TokenRow(Base):
    """A program's key, known by its SHA-256; `scopes` are permissions with spaces between them.

    `account_id` is its maker's, without which it does nothing; none where a command line made it.
    """

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[Number]
    project: Mapped[Project]
    name: Mapped[str]
    digest: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(NUMBER, ForeignKey("accounts.id", ondelete="CASCADE"))
    scopes: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AttemptRow(Base):
    """Log-ins that failed in a row, by account name or by address."""

    __tablename__ = "log_in_attempts"

    key: Mapped[str] = mapped_column(TEXT, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]


class AuditRow(Base):
    """Who did what when. Triggers refuse to change or delete a row."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "project", "at", "id"),)

    id: Mapped[Number]
    project: Mapped[Project]
    at: Mapped[datetime]
    actor: Mapped[str]
    kind: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    address: Mapped[str]
