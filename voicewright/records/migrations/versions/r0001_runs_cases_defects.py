"""Suites, runs, cases with their turns, checks, reviews and defects."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
WHOLE, TRUTH = sa.Integer(), sa.Boolean()
FRACTION: TypeEngine[Any] = sa.Double()


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "suites", *_head(), _column("name", TEXT), sa.UniqueConstraint("project", "name", name="uq_suites_project_name")
    )
    op.create_table(
        "suite_versions",
        *_head(),
        *_reference("suite_versions", "suite_id", "suites"),
        _column("version", TEXT),
        sa.UniqueConstraint("suite_id", "version", name="uq_suite_versions_suite_id_version"),
    )
    op.create_table(
        "runs",
        *_head(),
        _column("run_id", TEXT),
        *_reference("runs", "suite_id", "suites"),
        *_reference("runs", "suite_version_id", "suite_versions"),
        _column("channel", TEXT),
        _column("agent", TEXT),
        _column("total", WHOLE),
        _column("started_at", MOMENT),
        _column("ended_at", MOMENT, optional=True),
        _column("cancelled", TRUTH),
        _column("branch", TEXT),
        _column("commit", TEXT),
        _column("whole", TRUTH),
        sa.UniqueConstraint("project", "run_id", name="uq_runs_project_run_id"),
    )
    op.create_table(
        "cases",
        *_head(),
        _column("workflow_id", TEXT),
        *_reference("cases", "run_id", "runs", "CASCADE"),
        _column("case", TEXT),
        _column("language", TEXT),
        _column("profile", TEXT),
        _column("repeat", WHOLE),
        _column("outcome", TEXT, optional=True),
        _column("started_at", MOMENT, optional=True),
        _column("ended_at", MOMENT, optional=True),
        _column("error_kind", TEXT),
        _column("error_step", TEXT, optional=True),
        _column("decision", TEXT, optional=True),
        _column("confidence", FRACTION, optional=True),
        _column("call_end", TEXT, optional=True),
        _column("call_ms", WHOLE, optional=True),
        _column("dials", WHOLE),
        _column("recording", TEXT),
        sa.UniqueConstraint("project", "workflow_id", name="uq_cases_project_workflow_id"),
    )
    _create_parts_of_cases()
    op.create_table(
        "defects",
        *_head(),
        _column("defect", TEXT),
        _column("suite", TEXT),
        _column("check", TEXT),
        _column("status", TEXT),
        _column("seen", WHOLE),
        _column("regressions", WHOLE),
        _column("opened_at", MOMENT),
        _column("changed_at", MOMENT),
        _column("issue", TEXT),
        sa.UniqueConstraint("project", "defect", name="uq_defects_project_defect"),
    )


def _create_parts_of_cases() -> None:
    op.create_table(
        "turns",
        *_part_of_case("turns"),
        _column("turn", WHOLE),
        *(_column(f"{name}_ms", WHOLE, optional=True) for name in _TIMES),
        _column("overlap_ms", WHOLE),
        _column("busy_ms", WHOLE),
        _column("interrupts", TRUTH),
        _column("resumed", TRUTH),
        sa.PrimaryKeyConstraint("case_id", "place", name="pk_turns"),
    )
    op.create_table(
        "checks",
        *_part_of_case("checks"),
        _column("kind", TEXT),
        _column("turn", WHOLE, optional=True),
        _column("outcome", TEXT),
        _column("hard", TRUTH),
        _column("breach", TEXT, optional=True),
        _column("doubt", TEXT, optional=True),
        _column("confidence", FRACTION),
        sa.PrimaryKeyConstraint("case_id", "place", name="pk_checks"),
    )
    op.create_table(
        "case_defects",
        *_part_of_case("case_defects"),
        _column("defect", TEXT),
        sa.PrimaryKeyConstraint("case_id", "place", name="pk_case_defects"),
    )
    op.create_table(
        "reviews",
        *_reference("reviews", "case_id", "cases", "CASCADE"),
        _column("project", TEXT),
        _column("asked_at", MOMENT, optional=True),
        _column("decided_at", MOMENT, optional=True),
        _column("verdict", TEXT, optional=True),
        _column("reviewer", TEXT),
        sa.PrimaryKeyConstraint("case_id", name="pk_reviews"),
    )


_TIMES = ("caller_start", "caller_end", "agent_start", "agent_end", "ttfa", "stop")


def _column(name: str, kind: TypeEngine[Any], *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=optional)


def _head() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("id", NUMBER, primary_key=True, nullable=False), _column("project", TEXT)


def _reference(table: str, name: str, to: str, ondelete: str | None = None) -> tuple[sa.Column[Any], sa.Constraint]:
    named = f"fk_{table}_{name}"
    return _column(name, NUMBER), sa.ForeignKeyConstraint([name], [f"{to}.id"], name=named, ondelete=ondelete)


def _part_of_case(table: str) -> tuple[Any, ...]:
    return *_reference(table, "case_id", "cases", "CASCADE"), _column("place", WHOLE), _column("project", TEXT)
