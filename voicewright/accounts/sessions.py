"""Logging in with a password, and browsers that are logged in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, or_, select, update

from voicewright.accounts import secrets
from voicewright.accounts.attempts import Attempt
from voicewright.accounts.audit import note
from voicewright.accounts.errors import WrongPasswordError
from voicewright.accounts.models import AccountRow, RoleRow, SessionRow
from voicewright.contracts.access import GRANTS, ActorKind, AuditAction, Identity, Role
from voicewright.contracts.records import PROJECT
from voicewright.records.database import reading, writing

LASTS = timedelta(hours=12)
"""Then one logs in again."""
IDLE = timedelta(hours=2)
"""A session that asks for nothing for so long has ended."""
_SEEN = timedelta(minutes=1)
"""A session's last request is noted this often at most."""
_REFUSED = "the name or the password is wrong"


class Sessions:
    """Sessions in a project. Blocking; thread-safe. Raises `RecordsError` besides what is said."""

    def __init__(
        self, engine: Engine, project: str = PROJECT, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._project = project
        self._now = now

    def log_in(self, name: str, password: str, address: str) -> str:
        """Begin a session; gives what the browser's cookie holds.

        Args:
            name: of the account, in any case.
            password: what was typed.
            address: where the request came from.

        Raises:
            WrongPasswordError: the name or the password is wrong, or the account is closed.
            ThrottledError: too many log-ins to this account, or from this address, failed.
        """
        secret = secrets.key("")
        self._checked(name, password, address, session=secrets.digest(secret))
        return secret

    def check(self, name: str, password: str, address: str) -> None:
        """Whether this is the password of an account, as a log-in asks it, without a session.

        Raises:
            WrongPasswordError: the name or the password is wrong, or the account is closed.
            ThrottledError: too many log-ins to this account, or from this address, failed.
        """
        self._checked(name, password, address)

    def _checked(self, name: str, password: str, address: str, session: str | None = None) -> None:
        known_by = name.strip().lower()[:200]
        attempt = Attempt(known_by, address)
        with writing(self._engine) as connection:
            attempt.begin(connection, self._now())
            wanted = select(AccountRow.id, AccountRow.password).where(
                AccountRow.name == known_by, AccountRow.closed.is_(False)
            )
            found = connection.execute(wanted).first()
        right, better = secrets.verified(password, found.password if found is not None else None)
        with writing(self._engine) as connection:
            role = self._role(connection, found.id, found.password) if right and found is not None else None
            if found is None or role is None:
                who = known_by if found is not None else "unknown"  # people type passwords as names
                actor = Identity(name=who, kind=ActorKind.PERSON, permissions=frozenset(), address=address)
                note(connection, self._project, actor, AuditAction.LOG_IN_REFUSED, who)
            else:
                attempt.succeeded(connection)
                if better is not None:
                    connection.execute(update(AccountRow).where(AccountRow.id == found.id).values(password=better))
                if session is not None:
                    begin(connection, self._project, session, found.id, person(known_by, role, address), self._now())
        if role is None:
            raise WrongPasswordError(_REFUSED)

    def whose(self, secret: str, address: str = "") -> Identity | None:
        """Who is logged in there; None where the session has ended, or never was one."""
        digest, now = secrets.digest(secret), self._now()
        wanted = (
            select(AccountRow.name, RoleRow.role, SessionRow.seen_at)
            .join(AccountRow, AccountRow.id == SessionRow.account_id)
            .join(RoleRow, RoleRow.account_id == AccountRow.id)
            .where(
                SessionRow.digest == digest,
                ~_over(now),
                AccountRow.closed.is_(False),
                RoleRow.project == self._project,
            )
        )
        with reading(self._engine) as connection:
            found = connection.execute(wanted).first()
        if found is None:
            return None
        if now - found.seen_at > _SEEN:
            with writing(self._engine) as connection:
                connection.execute(update(SessionRow).where(SessionRow.digest == digest).values(seen_at=now))
        return person(found.name, Role(found.role), address)

    def end(self, secret: str, by: Identity) -> None:
        """Log out. Nothing happens where the session has ended already."""
        with writing(self._engine) as connection:
            ended = connection.execute(delete(SessionRow).where(SessionRow.digest == secrets.digest(secret)))
            if ended.rowcount:
                note(connection, self._project, by, AuditAction.LOGGED_OUT, by.name)

    def _role(self, connection: Connection, account: int, password: str) -> Role | None:
        """Of an account that is still open and has still this hash: a new password may have come meanwhile."""
        wanted = (
            select(RoleRow.role)
            .join(AccountRow, AccountRow.id == RoleRow.account_id)
            .where(
                RoleRow.account_id == account,
                RoleRow.project == self._project,
                AccountRow.closed.is_(False),
                AccountRow.password == password,
            )
            .with_for_update(of=AccountRow)
        )
        found = connection.execute(wanted).scalar()
        return Role(found) if found is not None else None


def begin(connection: Connection, project: str, digest: str, account: int, who: Identity, now: datetime) -> None:
    """Begin a session of an account, known by the digest of its secret; those that have ended are removed."""
    connection.execute(delete(SessionRow).where(_over(now)))
    values = {"digest": digest, "account_id": account, "began_at": now, "seen_at": now}
    connection.execute(insert(SessionRow).values(**values))
    note(connection, project, who, AuditAction.LOGGED_IN, who.name)


def _over(now: datetime) -> ColumnElement[bool]:
    return or_(SessionRow.began_at < now - LASTS, SessionRow.seen_at < now - IDLE)


def person(name: str, role: Role, address: str) -> Identity:
    """Somebody who is logged in."""
    return Identity(name=name, kind=ActorKind.PERSON, permissions=GRANTS[role], role=role, address=address)
