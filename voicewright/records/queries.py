"""Everything that is written to the records and asked of them.

Writing anything twice is writing it once, in whatever order several processes do it: a row is known by the id that the
object store has, and what is known of it only ever grows.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, delete, exists, func, insert, or_, select, tuple_

from voicewright.contracts.case import CaseKey, Outcome, SuiteRef
from voicewright.contracts.records import PROJECT, CaseRecord, DefectRecord, RunRecord
from voicewright.records import rows
from voicewright.records.agreement import Agreement, agreement
from voicewright.records.database import insert_into, reading, writing
from voicewright.records.figures import Figures, Scope, figures
from voicewright.records.models import (
    Base,
    BlindReviewRow,
    CaseDefectRow,
    CaseRow,
    CheckRow,
    DefectRow,
    OpinionRow,
    ReviewRow,
    RunRow,
    SuiteRow,
    SuiteVersionRow,
    TurnRow,
)
from voicewright.records.pages import CaseCell, Cursor, History, RunLine, RunPage, history_of
from voicewright.records.rows import Found

_PARTS: tuple[type[Base], ...] = (TurnRow, CheckRow, CaseDefectRow, ReviewRow, OpinionRow, BlindReviewRow)
_AT_ONCE = 500
"""Rows named by their ids in one statement, and cases written in one transaction."""


class Records:
    """The records of a project. Blocking; thread-safe. Raises `RecordsError` and nothing else."""

    def __init__(self, engine: Engine, project: str = PROJECT) -> None:
        self._engine = engine
        self._project = project

    # ---- writing ----------------------------------------------------------------------------------------------------

    def record_run(self, run: RunRecord) -> None:
        """Note a run. That it has ended is not forgotten where somebody tells of it who does not know that yet."""
        with writing(self._engine) as connection:
            suite_id = self._id_of(connection, SuiteRow, {"project": self._project, "name": run.suite.name})
            version = {"suite_id": suite_id, "version": run.suite.version}
            version_id = self._id_of(connection, SuiteVersionRow, version, project=self._project)
            values = {
                **rows.run_values(run),
                "project": self._project,
                "suite_id": suite_id,
                "suite_version_id": version_id,
            }
            statement = insert_into(connection, RunRow).values(**values)
            fresh = {name: statement.excluded[name] for name in values}
            fresh["ended_at"] = func.coalesce(statement.excluded.ended_at, RunRow.ended_at)
            fresh["cancelled"] = or_(statement.excluded.cancelled, RunRow.cancelled)
            connection.execute(statement.on_conflict_do_update(index_elements=["project", "run_id"], set_=fresh))

    def record_cases(self, cases: Collection[CaseRecord]) -> bool:
        """Note cases of one run; False, and nothing noted, where the run is not known.

        A case that ended stays as it ended: that it waits for a person is no news of it any more.
        """
        ordered = sorted(cases, key=lambda case: case.workflow_id)  # two writers never wait for each other
        for at in range(0, len(ordered), _AT_ONCE):
            with writing(self._engine) as connection:
                run_id = self._run_number(connection, ordered[0].run_id)
                if run_id is None:
                    return False
                some = ordered[at : at + _AT_ONCE]
                numbers = [self._record_case(connection, run_id, case) for case in some]
                fresh = {number: case for number, case in zip(numbers, some, strict=True) if number is not None}
                self._record_parts(connection, fresh)
        return True

    def _record_case(self, connection: Connection, run_id: int, case: CaseRecord) -> int | None:
        """The number of its row; None where more is known of it already."""
        values = {**rows.case_values(case), "project": self._project, "run_id": run_id}
        statement = insert_into(connection, CaseRow).values(**values)
        upsert = statement.on_conflict_do_update(
            index_elements=["project", "workflow_id"],
            set_={name: statement.excluded[name] for name in values},
            where=or_(statement.excluded.outcome.is_not(None), CaseRow.outcome.is_(None)),
        ).returning(CaseRow.id)
        return connection.execute(upsert).scalar()

    def _record_parts(self, connection: Connection, cases: dict[int, CaseRecord]) -> None:
        parts = {number: rows.part_values(case) for number, case in cases.items()}
        for part in _PARTS:
            connection.execute(delete(part).where(_column(part, "case_id").in_(list(cases))))
            fresh = [
                {**values, "case_id": number, "project": self._project}
                for number, of_case in parts.items()
                for values in of_case[part.__tablename__]
            ]
            if fresh:
                connection.execute(insert(part), fresh)

    def record_defect(self, defect: DefectRecord) -> None:
        """Note how a defect stands."""
        values = {**dict(defect), "project": self._project}
        with writing(self._engine) as connection:
            statement = insert_into(connection, DefectRow).values(**values)
            fresh = {name: statement.excluded[name] for name in values}
            connection.execute(statement.on_conflict_do_update(index_elements=["project", "defect"], set_=fresh))

    def forget(self, *, runs: Collection[str] = (), cases: Collection[str] = (), defects: Collection[str] = ()) -> None:
        """Remove what is in the object store no more, by id; of a run, its cases too."""
        named = ((RunRow, "run_id", runs), (CaseRow, "workflow_id", cases), (DefectRow, "defect", defects))
        with writing(self._engine) as connection:
            for table, known_by, ids in named:
                ours = delete(table).where(_column(table, "project") == self._project)
                for some in _portions(sorted(ids)):
                    connection.execute(ours.where(_column(table, known_by).in_(some)))
            used = exists().where(RunRow.suite_version_id == SuiteVersionRow.id)
            connection.execute(delete(SuiteVersionRow).where(SuiteVersionRow.project == self._project, ~used))
            used = exists().where(SuiteVersionRow.suite_id == SuiteRow.id)
            connection.execute(delete(SuiteRow).where(SuiteRow.project == self._project, ~used))

    @staticmethod
    def _id_of(connection: Connection, table: type[Any], known_by: rows.Values, **besides: object) -> int:
        """The number of a row that never changes, made where there is none."""
        wanted = select(table.id).filter_by(**known_by)
        found = connection.execute(wanted).scalar()
        if found is None:
            statement = insert_into(connection, table).values(**known_by, **besides)
            connection.execute(statement.on_conflict_do_nothing(index_elements=list(known_by)))
            found = connection.execute(wanted).scalar_one()
        return int(found)

    def _run_number(self, connection: Connection, run_id: str) -> int | None:
        known = select(RunRow.id).where(RunRow.project == self._project, RunRow.run_id == run_id)
        return connection.execute(known).scalar()

    # ---- what is there ----------------------------------------------------------------------------------------------

    def run_ids(self) -> set[str]:
        """Ids of all runs."""
        with reading(self._engine) as connection:
            return set(connection.execute(select(RunRow.run_id).where(RunRow.project == self._project)).scalars())

    def case_ids(self, run_id: str) -> set[str]:
        """Workflow ids of all cases of a run."""
        wanted = select(CaseRow.workflow_id).join(RunRow, RunRow.id == CaseRow.run_id)
        with reading(self._engine) as connection:
            found = connection.execute(wanted.where(RunRow.project == self._project, RunRow.run_id == run_id))
            return set(found.scalars())

    def defect_ids(self) -> set[str]:
        """Ids of all defects."""
        with reading(self._engine) as connection:
            return set(connection.execute(select(DefectRow.defect).where(DefectRow.project == self._project)).scalars())

    def export(self) -> Iterator[str]:
        """Everything as JSON Lines, in an order that depends on nothing but what is recorded."""
        with reading(self._engine) as connection:
            runs = connection.execute(self._runs().order_by(RunRow.run_id)).all()
            for name, version in sorted({(run.suite, run.version) for run in runs}):
                yield _line("suite", SuiteRef(name=name, version=version))
            for run in runs:
                yield _line("run", rows.run_record(run, SuiteRef(name=run.suite, version=run.version)))
                for case in self._cases(connection, run):
                    yield _line("case", case)
            defects = select(DefectRow.__table__).where(DefectRow.project == self._project)
            for defect in connection.execute(defects.order_by(DefectRow.defect)):
                yield _line("defect", rows.defect_record(defect))

    @staticmethod
    def _cases(connection: Connection, run: Found) -> Iterator[CaseRecord]:
        wanted = select(CaseRow.__table__).where(CaseRow.run_id == run.id).order_by(CaseRow.workflow_id)
        found = connection.execute(wanted).all()
        for some in _portions(found):
            parts: dict[str, dict[int, list[Found]]] = {}
            for part in _PARTS:
                table = _table(part)
                hung = select(table).where(table.c.case_id.in_([case.id for case in some]))
                ordered = hung.order_by(*table.primary_key.columns)
                by_case = groupby(connection.execute(ordered), key=lambda row: int(row.case_id))
                parts[part.__tablename__] = {number: list(group) for number, group in by_case}
            for case in some:
                of_case = {name: by_number.get(case.id, []) for name, by_number in parts.items()}
                yield rows.case_record(case, run.run_id, of_case)

    # ---- pages ------------------------------------------------------------------------------------------------------

    def suites(self) -> list[str]:
        """Names of all suites that were run, in order."""
        with reading(self._engine) as connection:
            wanted = select(SuiteRow.name).where(SuiteRow.project == self._project).order_by(SuiteRow.name)
            return list(connection.execute(wanted).scalars())

    def runs(
        self,
        *,
        suite: str | None = None,
        outcome: Outcome | None = None,
        waiting: bool = False,
        before: Cursor | None = None,
        limit: int = 50,
    ) -> RunPage:
        """A page of runs, the newest first.

        Args:
            suite: only runs of this suite.
            outcome: only runs with a case that ended so.
            waiting: only runs with a case that waits for a person.
            before: where the page before this one ended.
            limit: the most runs of a page.
        """
        wanted = self._runs().order_by(RunRow.started_at.desc(), RunRow.run_id.desc()).limit(limit + 1)
        if outcome is not None or waiting:
            ended = CaseRow.outcome.is_(None) if outcome is None else CaseRow.outcome == outcome
            wanted = wanted.where(exists().where(CaseRow.run_id == RunRow.id, ended))
        if before is not None:
            wanted = wanted.where(tuple_(RunRow.started_at, RunRow.run_id) < tuple_(before.started_at, before.run_id))
        with reading(self._engine) as connection:
            if suite is not None:
                wanted = wanted.where(RunRow.suite_id == self._suite_number(connection, suite))
            found = connection.execute(wanted).all()
            lines = self._counted(connection, found[:limit])
        last = lines[-1].run if len(found) > limit else None
        return RunPage(lines, Cursor(last.started_at, last.run_id) if last is not None else None)

    def known(self, run_ids: Collection[str]) -> set[str]:
        """Those of some runs that are recorded."""
        wanted = select(RunRow.run_id).where(RunRow.project == self._project, RunRow.run_id.in_(run_ids))
        with reading(self._engine) as connection:
            return set(connection.execute(wanted).scalars())

    def history(self, suite: str, limit: int = 20) -> History:
        """How each case of a suite ended in its last runs.

        Args:
            suite: its name; one that was never run has an empty history.
            limit: the most runs, counted from the newest.
        """
        with reading(self._engine) as connection:
            wanted = self._runs().where(RunRow.suite_id == self._suite_number(connection, suite))
            newest = wanted.order_by(RunRow.started_at.desc(), RunRow.run_id.desc()).limit(limit)
            runs = list(reversed(connection.execute(newest).all()))
            places = {run.id: place for place, run in enumerate(runs)}
            held = select(
                CaseRow.run_id,
                CaseRow.workflow_id,
                CaseRow.outcome,
                CaseRow.case,
                CaseRow.language,
                CaseRow.profile,
                CaseRow.repeat,
            ).where(CaseRow.run_id.in_(list(places)))
            cells = [
                CaseCell(places[case.run_id], case.workflow_id, rows.case_key(case), _outcome(case.outcome))
                for case in connection.execute(held)
            ]
        records = [rows.run_record(run, SuiteRef(name=run.suite, version=run.version)) for run in runs]
        return history_of(records, cells)

    def last_outcomes(self, suite: str, key: CaseKey, limit: int = 10) -> list[CaseCell]:
        """How the same case, in the same language and with the same caller, ended lately, the newest first.

        Args:
            suite: name of its suite.
            key: the case; all its repeats count.
            limit: the most results.
        """
        with reading(self._engine) as connection:
            wanted = (
                select(CaseRow.workflow_id, CaseRow.outcome, CaseRow.case, CaseRow.language, CaseRow.profile)
                .add_columns(CaseRow.repeat)
                .join(RunRow, RunRow.id == CaseRow.run_id)
                .where(RunRow.suite_id == self._suite_number(connection, suite), CaseRow.outcome.is_not(None))
                .where(CaseRow.case == key.case, CaseRow.language == key.language, CaseRow.profile == key.profile)
                .order_by(RunRow.started_at.desc(), RunRow.run_id.desc(), CaseRow.repeat)
                .limit(limit)
            )
            found = connection.execute(wanted).all()
        return [
            CaseCell(place, one.workflow_id, rows.case_key(one), _outcome(one.outcome))
            for place, one in enumerate(found)
        ]

    def agreement(self, days: int, now: datetime | None = None) -> Agreement:
        """How far people and the machine agree, see `agreement`."""
        return agreement(self._engine, days, self._project, now)

    def suite_of(self, run_id: str) -> str | None:
        """Name of the suite of a run; None where the run is not recorded."""
        with reading(self._engine) as connection:
            return connection.execute(
                select(SuiteRow.name)
                .join(RunRow, RunRow.suite_id == SuiteRow.id)
                .where(RunRow.project == self._project, RunRow.run_id == run_id)
            ).scalar()

    def run_before(self, run_id: str) -> str | None:
        """The finished run of the same suite before a run; None where there is none."""
        with reading(self._engine) as connection:
            this = connection.execute(
                select(RunRow.suite_id, RunRow.started_at, RunRow.run_id).where(
                    RunRow.project == self._project, RunRow.run_id == run_id
                )
            ).first()
            if this is None:
                return None
            earlier = tuple_(RunRow.started_at, RunRow.run_id) < tuple_(this.started_at, this.run_id)
            wanted = select(RunRow.run_id).where(
                RunRow.suite_id == this.suite_id, RunRow.ended_at.is_not(None), earlier
            )
            newest = wanted.order_by(RunRow.started_at.desc(), RunRow.run_id.desc()).limit(1)
            return connection.execute(newest).scalar()

    def figures(self, scope: Scope, now: datetime | None = None) -> Figures:
        """What a dashboard shows, see `figures`."""
        return figures(self._engine, scope, self._project, now)

    def _runs(self) -> Any:  # noqa: ANN401 - a select of many columns
        return (
            select(RunRow.__table__, SuiteRow.name.label("suite"), SuiteVersionRow.version.label("version"))
            .join(SuiteVersionRow, SuiteVersionRow.id == RunRow.suite_version_id)
            .join(SuiteRow, SuiteRow.id == RunRow.suite_id)
            .where(RunRow.project == self._project)
        )

    def _suite_number(self, connection: Connection, suite: str) -> int:
        wanted = select(SuiteRow.id).where(and_(SuiteRow.project == self._project, SuiteRow.name == suite))
        return connection.execute(wanted).scalar() or 0

    @staticmethod
    def _counted(connection: Connection, runs: Sequence[Found]) -> list[RunLine]:
        counts: dict[int, dict[Outcome | None, int]] = {run.id: {} for run in runs}
        tally = (
            select(CaseRow.run_id, CaseRow.outcome, func.count())
            .where(CaseRow.run_id.in_(list(counts)))
            .group_by(CaseRow.run_id, CaseRow.outcome)
        )
        for run_id, outcome, count in connection.execute(tally):
            counts[run_id][_outcome(outcome)] = count
        lines = []
        for run in runs:
            waiting = counts[run.id].pop(None, 0)
            ended = {outcome: count for outcome, count in counts[run.id].items() if outcome is not None}
            record = rows.run_record(run, SuiteRef(name=run.suite, version=run.version))
            lines.append(RunLine(record, ended, waiting))
        return lines


def _outcome(stored: str | None) -> Outcome | None:
    return Outcome(stored) if stored is not None else None


def _table(model: type[Base]) -> Table:
    assert isinstance(model.__table__, Table)
    return model.__table__


def _column(model: type[Base], name: str) -> Any:  # noqa: ANN401 - of any type
    return _table(model).c[name]


def _portions(things: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (things[at : at + _AT_ONCE] for at in range(0, len(things), _AT_ONCE))


def _line(kind: str, record: SuiteRef | RunRecord | CaseRecord | DefectRecord) -> str:
    return f'{{"record":"{kind}",{record.model_dump_json()[1:]}\n'
