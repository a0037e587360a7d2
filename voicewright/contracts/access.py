"""Who may do what: roles, the permissions that they grant, and somebody who was recognised."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict


class Permission(StrEnum):
    """What a request may need. Also the scopes of a token."""

    VIEW = "view"
    """See runs, results, recordings, defects."""
    DECIDE = "decide"
    """Decide reviews."""
    RUN = "run"
    """Start and cancel runs."""
    MANAGE = "manage"
    """Open and close defects, make tokens."""
    ERASE = "erase"
    """Erase what was said in calls."""
    ADMINISTER = "administer"
    """Accounts, everybody's tokens, the audit log."""


class Role(StrEnum):
    """What an account is in a project."""

    VIEWER = "viewer"
    VALIDATOR = "validator"
    QA_LEAD = "qa_lead"
    ADMIN = "admin"


GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.VIEW}),
        Role.VALIDATOR: frozenset({Permission.VIEW, Permission.DECIDE}),
        Role.QA_LEAD: frozenset({Permission.VIEW, Permission.DECIDE, Permission.RUN, Permission.MANAGE}),
        Role.ADMIN: frozenset(Permission),
    }
)


class ActorKind(StrEnum):
    """What kind of somebody acts."""

    PERSON = "person"
    """Logged in with an account."""
    TOKEN = "token"
    """A program."""
    LOCAL = "local"
    """Whoever is at this machine: a command line, or a web app that asks for no log-in."""


class Identity(BaseModel):
    """Somebody who was recognised, in one project."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: ActorKind
    permissions: frozenset[Permission]
    role: Role | None = None
    """Of a person."""
    address: str = ""
    """Where the request came from."""

    @property
    def signature(self) -> str:
        """The name that is kept with what they do; empty for whoever is at this machine."""
        return "" if self.kind is ActorKind.LOCAL else self.name

    def may(self, permission: Permission) -> bool:
        """Whether this is granted."""
        return permission in self.permissions


def local_user(address: str = "") -> Identity:
    """Whoever is at this machine: may do everything."""
    return Identity(name="local", kind=ActorKind.LOCAL, permissions=frozenset(Permission), address=address)


class AuditAction(StrEnum):
    """What the audit log tells of."""

    LOGGED_IN = "logged_in"
    LOG_IN_REFUSED = "log_in_refused"
    LOGGED_OUT = "logged_out"
    ACCOUNT_ADDED = "account_added"
    PASSWORD_SET = "password_set"
    ROLE_SET = "role_set"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_OPENED = "account_opened"
    ACCOUNT_LINKED = "account_linked"
    """With somebody whom an identity provider knows."""
    TOKEN_MADE = "token_made"
    TOKEN_REVOKED = "token_revoked"
    REVIEW_DECIDED = "review_decided"
    """Noted before the decision is passed on: it may have been refused afterwards."""
    REVIEW_ASSIGNED = "review_assigned"
    WORDS_CORRECTED = "words_corrected"
    DEFECT_SET = "defect_set"
    RUN_STARTED = "run_started"
    RUN_CANCELLED = "run_cancelled"
    SUITE_PUSHED = "suite_pushed"
    AUDIT_EXPORTED = "audit_exported"
    CASES_ERASED = "cases_erased"
    CASE_QUARANTINED = "case_quarantined"
    QUARANTINE_ENDED = "quarantine_ended"
    """By somebody, before its last day or after."""
