"""Whom an identity provider knows as the owner of an account."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Accounts had passwords alone."""
    op.add_column("accounts", sa.Column("subject", TEXT, nullable=True))
    op.create_index("ix_accounts_subject", "accounts", ["subject"], unique=True)
