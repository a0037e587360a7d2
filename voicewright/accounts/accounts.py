"""Accounts and their roles: added, changed, closed. Each change is noted in the audit log in its own transaction."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from voicewright.accounts import attempts, secrets
from voicewright.accounts.audit import note
from voicewright.accounts.errors import AccountError
from voicewright.accounts.models import AccountRow, RoleRow, SessionRow
from voicewright.contracts.access import ActorKind, AuditAction, Identity, Permission, Role
from voicewright.contracts.records import PROJECT
from voicewright.records.database import reading, writing

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")
FIRST = "admin"
_INSTALLER = Identity(name="first start", kind=ActorKind.LOCAL, permissions=frozenset(Permission))


@dataclass(frozen=True)
class Account:
    """A person."""

    name: str
    role: Role
    closed: bool
    added_at: datetime


class Accounts:
    """The accounts of a project. Blocking; thread-safe.

    Raises:
        AccountError: what is asked for cannot be.
        RecordsError: the database does not do it.
    """

    def __init__(self, engine: Engine, project: str = PROJECT) -> None:
        self._engine = engine
        self._project = project

    def make_first(self) -> str | None:
        """Add the account `admin` where there is no account at all; its password, which nobody can read again."""
        password = secrets.password()
        hashed = secrets.hash_of(password)
        with reading(self._engine) as connection:
            if _count(connection):
                return None
        with writing(self._engine) as connection:
            _lock(connection)
            if _count(connection):
                return None
            self._add(connection, FIRST, hashed, Role.ADMIN, _INSTALLER)
        return password

    def add(self, name: str, password: str, role: Role, by: Identity) -> None:
        """Add an account."""
        known_by = name_of(name)
        hashed = secrets.hash_of(password)
        with writing(self._engine) as connection:
            _lock(connection)
            if connection.execute(select(AccountRow.id).where(AccountRow.name == known_by)).scalar() is not None:
                raise AccountError(f"there is an account {known_by} already: choose another name, or change that one")
            self._add(connection, known_by, hashed, role, by)

    def _add(self, connection: Connection, name: str, hashed: str, role: Role, by: Identity) -> None:
        values = {"name": name, "password": hashed, "closed": False, "added_at": datetime.now(UTC)}
        number = connection.execute(insert(AccountRow).values(**values).returning(AccountRow.id)).scalar_one()
        connection.execute(insert(RoleRow).values(account_id=number, project=self._project, role=role))
        note(connection, self._project, by, AuditAction.ACCOUNT_ADDED, name, str(role))

    def set_password(self, name: str, password: str, by: Identity) -> None:
        """Set a password, and end all sessions of the account."""
        hashed = secrets.hash_of(password)
        with writing(self._engine) as connection:
            number = self._number(connection, name)
            connection.execute(update(AccountRow).where(AccountRow.id == number).values(password=hashed))
            _end_sessions(connection, number)
            attempts.forget(connection)
            note(connection, self._project, by, AuditAction.PASSWORD_SET, name_of(name))

    def set_role(self, name: str, role: Role, by: Identity) -> None:
        """Make an account a viewer, validator, QA lead or admin; from its next request on."""
        with writing(self._engine) as connection:
            _lock(connection)
            number = self._number(connection, name)
            with self._an_admin_stays(connection, name):
                ours = update(RoleRow).where(RoleRow.account_id == number, RoleRow.project == self._project)
                connection.execute(ours.values(role=role))
            note(connection, self._project, by, AuditAction.ROLE_SET, name_of(name), str(role))

    def set_closed(self, name: str, closed: bool, by: Identity) -> None:
        """Close an account, which ends its sessions, or open it again. What it did stays under its name."""
        with writing(self._engine) as connection:
            _lock(connection)
            number = self._number(connection, name)
            with self._an_admin_stays(connection, name):
                connection.execute(update(AccountRow).where(AccountRow.id == number).values(closed=closed))
            if closed:
                _end_sessions(connection, number)
            action = AuditAction.ACCOUNT_CLOSED if closed else AuditAction.ACCOUNT_OPENED
            note(connection, self._project, by, action, name_of(name))

    def all(self) -> list[Account]:
        """Every account, by name."""
        wanted = (
            select(AccountRow.name, RoleRow.role, AccountRow.closed, AccountRow.added_at)
            .join(RoleRow, RoleRow.account_id == AccountRow.id)
            .where(RoleRow.project == self._project)
            .order_by(AccountRow.name)
        )
        with reading(self._engine) as connection:
            return [Account(row[0], Role(row[1]), row[2], row[3]) for row in connection.execute(wanted)]

    def _number(self, connection: Connection, name: str) -> int:
        wanted = (
            select(AccountRow.id)
            .join(RoleRow, RoleRow.account_id == AccountRow.id)
            .where(AccountRow.name == name.strip().lower(), RoleRow.project == self._project)
        )
        number = connection.execute(wanted).scalar()
        if number is None:
            raise AccountError(f"there is no account {name.strip()[:80]!r}; `voicewright accounts list` shows all")
        return number

    @contextlib.contextmanager
    def _an_admin_stays(self, connection: Connection, name: str) -> Iterator[None]:
        """A change to `name` that is undone where it takes the last admin away."""
        before = self._admins(connection)
        yield
        if before and not self._admins(connection):
            raise AccountError(f"{name_of(name)} is the last admin: make somebody else one first")

    def _admins(self, connection: Connection) -> int:
        open_ones = (
            select(func.count())
            .select_from(RoleRow)
            .join(AccountRow, AccountRow.id == RoleRow.account_id)
            .where(RoleRow.project == self._project, RoleRow.role == Role.ADMIN, AccountRow.closed.is_(False))
        )
        return connection.execute(open_ones).scalar_one()


def name_of(name: str) -> str:
    """As an account is known.

    Raises:
        AccountError: this is no name for one.
    """
    known_by = name.strip().lower()
    if not _NAME.fullmatch(known_by):
        raise AccountError(
            "a name has 1 to 80 letters of a to z, digits and . _ @ + -, and begins with a letter or digit"
        )
    return known_by


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(AccountRow)).scalar_one()


def _end_sessions(connection: Connection, number: int) -> None:
    connection.execute(delete(SessionRow).where(SessionRow.account_id == number))


def _lock(connection: Connection) -> None:
    """One change at a time; on SQLite a transaction that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE accounts, roles IN SHARE ROW EXCLUSIVE MODE")
