"""Accounts, their roles, sessions and tokens, log-ins that failed, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_KEPT = "the audit log is only ever appended to"


def upgrade() -> None:
    """From records alone."""
    op.create_table(
        "accounts",
        sa.Column("id", NUMBER, primary_key=True, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("name", "password")),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "roles",
        *_of_account("roles"),
        *(sa.Column(name, TEXT, nullable=False) for name in ("project", "role")),
        sa.PrimaryKeyConstraint("account_id", "project", name="pk_roles"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", TEXT, nullable=False),
        *_of_account("sessions"),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("began_at", "seen_at")),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, primary_key=True, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("project", "name", "digest", "scopes", "made_by")),
        *_of_account("tokens", optional=True),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("made_at", "expires_at")),
        *(sa.Column(name, MOMENT, nullable=True) for name in ("used_at", "revoked_at")),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
    op.create_table(
        "log_in_attempts",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_log_in_attempts"),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, primary_key=True, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        *(
            sa.Column(name, TEXT, nullable=False)
            for name in ("actor", "kind", "action", "subject", "detail", "address")
        ),
    )
    op.create_index("ix_audit_project_at_id", "audit", ["project", "at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_KEPT}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()"
        )
    else:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_is_kept_{change.lower()} BEFORE {change} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
            )


def _of_account(table: str, *, optional: bool = False) -> tuple[sa.Column[int], sa.Constraint]:
    named = f"fk_{table}_account_id"
    return (
        sa.Column("account_id", NUMBER, nullable=optional),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=named, ondelete="CASCADE"),
    )
