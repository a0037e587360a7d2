"""Logging in by somebody else's word: an identity provider has recognised a person, and an account belongs to them."""

from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update

from voicewright.accounts import secrets
from voicewright.accounts.accounts import name_of
from voicewright.accounts.audit import note
from voicewright.accounts.errors import AccountError
from voicewright.accounts.models import AccountRow, RoleRow
from voicewright.accounts.sessions import begin, person
from voicewright.contracts.access import ActorKind, AuditAction, Identity, Role
from voicewright.contracts.records import PROJECT
from voicewright.records.database import writing

_LONGEST = 500


class NoAccountError(AccountError):
    """The provider knows this person, but no account is theirs."""


class SignOn:
    """Accounts of people whom a provider recognises, each known by the provider's address and its id for them.

    Blocking; thread-safe. Raises `RecordsError` besides what is said.
    """

    def __init__(self, engine: Engine, project: str = PROJECT) -> None:
        self._engine = engine
        self._project = project

    def log_in(self, subject: str, name: str, new_role: Role | None, address: str) -> str:
        """Begin a session; gives what the browser's cookie holds.

        Args:
            subject: whom the provider recognised, see `subject_of`.
            name: what a new account would be called.
            new_role: of a new account; None where nobody gets an account by logging in.
            address: where the request came from.

        Raises:
            NoAccountError: no account is theirs, and none is made; or it is closed.
        """
        secret, now = secrets.key(""), datetime.now(UTC)
        unusable = secrets.hash_of(secrets.key("")) if new_role is not None else ""
        refused = ""
        with writing(self._engine) as connection:
            found = self._found(connection, subject)
            if found is None and new_role is not None:
                refused = self._made(connection, subject, name, new_role, unusable, address)
                found = self._found(connection, subject) if not refused else None
            elif found is None:
                refused = f"no account is linked to you. Ask an admin for: voicewright accounts link NAME '{subject}'"
            if found is not None and found.closed:
                refused = "your account is closed: ask an admin to open it"
            if refused:
                nobody = Identity(name="unknown", kind=ActorKind.PERSON, permissions=frozenset(), address=address)
                note(connection, self._project, nobody, AuditAction.LOG_IN_REFUSED, "unknown", subject[:_LONGEST])
            else:
                assert found is not None
                who = person(found.name, Role(found.role), address)
                begin(connection, self._project, secrets.digest(secret), found.id, who, now)
        if refused:
            raise NoAccountError(refused)
        return secret

    def link(self, name: str, subject: str, by: Identity) -> None:
        """From now on, whoever the provider knows as `subject` logs in to this account. Empty: nobody does any more.

        Raises:
            AccountError: there is no such account, or another one is theirs.
        """
        if len(subject) > _LONGEST:
            raise AccountError(f"a subject has at most {_LONGEST} characters")
        with writing(self._engine) as connection:
            known = connection.execute(select(AccountRow.id).where(AccountRow.name == name_of(name))).scalar()
            if known is None:
                raise AccountError(f"there is no account {name_of(name)}; `voicewright accounts list` shows all")
            other = self._found(connection, subject) if subject else None
            if other is not None and other.id != known:
                raise AccountError(f"this person has the account {other.name} already")
            kept = subject or None
            connection.execute(update(AccountRow).where(AccountRow.id == known).values(subject=kept))
            note(connection, self._project, by, AuditAction.ACCOUNT_LINKED, name_of(name), subject)

    def _made(self, connection: Connection, subject: str, name: str, role: Role, unusable: str, address: str) -> str:
        """Add an account; why that cannot be, or nothing."""
        try:
            known_by = name_of(name)
        except AccountError:
            return f"your provider calls you {name[:80]!r}, which is no name for an account: ask an admin to link one"
        if connection.execute(select(AccountRow.id).where(AccountRow.name == known_by)).scalar() is not None:
            # It may be somebody else's: at many providers people choose their names.
            how = f"voicewright accounts link {known_by} '{subject}'"
            return f"there is an account {known_by} already. If it is yours, ask an admin for: {how}"
        values = {"name": known_by, "password": unusable, "closed": False, "added_at": datetime.now(UTC)}
        number = connection.execute(
            insert(AccountRow).values(**values, subject=subject).returning(AccountRow.id)
        ).scalar_one()
        connection.execute(insert(RoleRow).values(account_id=number, project=self._project, role=role))
        who = person(known_by, role, address)
        note(connection, self._project, who, AuditAction.ACCOUNT_ADDED, known_by, f"{role}, by single sign-on")
        return ""

    def _found(self, connection: Connection, subject: str) -> Row[int, str, bool, str] | None:
        wanted = (
            select(AccountRow.id, AccountRow.name, AccountRow.closed, RoleRow.role)
            .join(RoleRow, RoleRow.account_id == AccountRow.id)
            .where(AccountRow.subject == subject, RoleRow.project == self._project)
        )
        return connection.execute(wanted).first()


def subject_of(issuer: str, subject: str) -> str:
    """By which a person is known: a provider's ids mean nothing without the provider."""
    return f"{issuer.rstrip('/')} {subject}"
