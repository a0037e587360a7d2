"""What people said of cases that the machine had decided, without seeing how."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """There were none before."""
    op.create_table(
        "blind_reviews",
        sa.Column("case_id", NUMBER, sa.ForeignKey("cases.id", ondelete="CASCADE", name="fk_blind_reviews_case_id")),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("decided", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reviewer", TEXT, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_blind_reviews"),
    )
    op.create_index("ix_blind_reviews_project_decided_at", "blind_reviews", ["project", "decided_at"])
