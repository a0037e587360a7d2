"""Tokens: keys by which programs use the API. Shown once, kept as digests, with scopes and an end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, and_, insert, select, update

from voicewright.accounts import secrets
from voicewright.accounts.audit import note
from voicewright.accounts.errors import AccountError
from voicewright.accounts.models import AccountRow, RoleRow, TokenRow
from voicewright.contracts.access import GRANTS, ActorKind, AuditAction, Identity, Permission, Role
from voicewright.contracts.records import PROJECT
from voicewright.records.database import reading, writing

PREFIX = "vwt_"
MOST_DAYS = 366
_LONGEST_NAME = 80
_USED = timedelta(minutes=1)
"""When a token was last used is noted this often at most."""


@dataclass(frozen=True)
class Token:
    """What is known of a token but itself."""

    number: int
    name: str
    scopes: tuple[Permission, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class Tokens:
    """The tokens of a project. Blocking; thread-safe. Raises `RecordsError` besides what is said."""

    def __init__(
        self, engine: Engine, project: str = PROJECT, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._project = project
        self._now = now

    def make(self, name: str, scopes: frozenset[Permission], days: int, by: Identity) -> str:
        """Make a token; gives it, once.

        Args:
            name: what it is for.
            scopes: what it may do; no more than who makes it.
            days: how long it is good.
            by: who makes it.

        Raises:
            AccountError: no name, no scope, more scopes than `by` has, or no such time.
        """
        if by.kind is ActorKind.TOKEN:
            raise AccountError("a token cannot make tokens: log in with an account")
        name = name.strip()
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise AccountError(f"name: say in 1 to {_LONGEST_NAME} characters what the token is for")
        if not scopes:
            raise AccountError("scopes: choose at least one")
        if not 1 <= days <= MOST_DAYS:
            raise AccountError(f"days: a token is good for 1 to {MOST_DAYS} days")
        if Permission.ADMINISTER in scopes or not scopes <= by.permissions:
            raise AccountError("scopes: a token may do no more than you may, and never administer")
        key, now, kept = secrets.key(PREFIX), self._now(), " ".join(sorted(scopes))
        with writing(self._engine) as connection:
            values = {
                "project": self._project,
                "name": name,
                "digest": secrets.digest(key),
                "account_id": _account(connection, by),
                "scopes": kept,
                "made_by": by.name,
                "made_at": now,
                "expires_at": now + timedelta(days=days),
            }
            connection.execute(insert(TokenRow).values(**values))
            note(connection, self._project, by, AuditAction.TOKEN_MADE, name, kept)
        return key

    def all(self) -> list[Token]:
        """Every token, the newest first."""
        wanted = select(TokenRow.__table__).where(TokenRow.project == self._project).order_by(TokenRow.id.desc())
        with reading(self._engine) as connection:
            found = connection.execute(wanted).mappings().all()
        return [
            Token(
                number=row["id"],
                name=row["name"],
                scopes=_scopes(row["scopes"]),
                made_by=row["made_by"],
                made_at=row["made_at"],
                expires_at=row["expires_at"],
                used_at=row["used_at"],
                revoked_at=row["revoked_at"],
            )
            for row in found
        ]

    def revoke(self, number: int, by: Identity) -> None:
        """Make a token useless, from its next use on.

        Raises:
            AccountError: there is none of this number, or `by` may not.
        """
        if by.kind is ActorKind.TOKEN:
            raise AccountError("a token cannot revoke tokens: log in with an account")
        with writing(self._engine) as connection:
            ours = (TokenRow.project == self._project, TokenRow.id == number)
            found = connection.execute(
                select(TokenRow.name, TokenRow.made_by, TokenRow.account_id).where(*ours)
            ).first()
            if found is None:
                raise AccountError(f"there is no token {number}")
            own = found.account_id is not None and found.account_id == _account(connection, by)
            if not own and not by.may(Permission.ADMINISTER):
                raise AccountError(f"{found.name} was made by {found.made_by}: they or an admin can revoke it")
            unused = update(TokenRow).where(*ours, TokenRow.revoked_at.is_(None))
            if connection.execute(unused.values(revoked_at=self._now())).rowcount:
                note(connection, self._project, by, AuditAction.TOKEN_REVOKED, found.name)

    def whose(self, key: str, address: str = "") -> Identity | None:
        """What a program that shows this key may do; None where the key is none, has expired or was revoked.

        It is known by its name and number: names are not unique.
        """
        if not key.startswith(PREFIX):
            return None
        now = self._now()
        wanted = (
            select(TokenRow.id, TokenRow.name, TokenRow.scopes, TokenRow.used_at, TokenRow.account_id, RoleRow.role)
            .outerjoin(AccountRow, and_(AccountRow.id == TokenRow.account_id, AccountRow.closed.is_(False)))
            .outerjoin(RoleRow, and_(RoleRow.account_id == AccountRow.id, RoleRow.project == self._project))
            .where(
                TokenRow.digest == secrets.digest(key),
                TokenRow.project == self._project,
                TokenRow.revoked_at.is_(None),
                TokenRow.expires_at > now,
            )
        )
        with reading(self._engine) as connection:
            found = connection.execute(wanted).first()
        if found is None or (found.account_id is not None and found.role is None):
            return None
        if found.used_at is None or now - found.used_at > _USED:
            with writing(self._engine) as connection:
                connection.execute(update(TokenRow).where(TokenRow.id == found.id).values(used_at=now))
        permissions = frozenset(_scopes(found.scopes))
        if found.role is not None:
            permissions &= GRANTS[Role(found.role)]
        return Identity(
            name=f"{found.name} #{found.id}", kind=ActorKind.TOKEN, permissions=permissions, address=address
        )


def _account(connection: Connection, by: Identity) -> int | None:
    """The number of a person's account."""
    if by.kind is not ActorKind.PERSON:
        return None
    return connection.execute(select(AccountRow.id).where(AccountRow.name == by.name)).scalar_one()


def _scopes(kept: str) -> tuple[Permission, ...]:
    return tuple(Permission(one) for one in kept.split())
