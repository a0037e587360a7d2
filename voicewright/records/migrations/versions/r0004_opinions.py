"""Every opinion of a review, not the decision alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From decisions alone; what was decided before gets its opinions by `voicewright records rebuild`."""
    op.create_table(
        "opinions",
        sa.Column("case_id", NUMBER, sa.ForeignKey("cases.id", ondelete="CASCADE", name="fk_opinions_case_id")),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("reviewer", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=True),
        sa.Column("severity", TEXT, nullable=True),
        sa.Column("overrules", sa.Boolean(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "place", name="pk_opinions"),
    )
    op.create_index("ix_opinions_project_given_at", "opinions", ["project", "given_at"])
