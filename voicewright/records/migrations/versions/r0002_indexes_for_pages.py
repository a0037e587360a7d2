"""Indexes by which pages read: runs by time, of all suites and of one; cases by run and outcome."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From the tables alone."""
    op.create_index("ix_runs_project_started_at_run_id", "runs", ["project", "started_at", "run_id"])
    op.create_index("ix_runs_suite_id_started_at_run_id", "runs", ["suite_id", "started_at", "run_id"])
    op.create_index("ix_cases_run_id_outcome", "cases", ["run_id", "outcome"])
