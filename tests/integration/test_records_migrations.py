"""The tables of the records: from nothing, and from every older version with data in it, on each kind of database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import invented_records as invented
import pytest
from sqlalchemy import Engine, MetaData, text
from sqlalchemy.types import Boolean, DateTime, Text

from voicewright.records import Records, RecordsError, open_database, upgrade
from voicewright.records.migrate import current, differences, revisions


def test_models_and_migrations_agree(database: Engine) -> None:
    upgrade(database)
    assert differences(database) == []


@pytest.mark.parametrize("older", [None, *revisions()[:-1]])
def test_older_tables_with_data_in_them_are_brought_up_to_date(database: Engine, older: str | None) -> None:
    if older is not None:
        upgrade(database, older)
        insert_a_row_each(database)
    before = rows_of(database) if older is not None else {}
    assert len(before) >= (9 if older is not None else 0)
    upgrade(database)
    assert current(database) == revisions()[-1]
    assert differences(database) == []
    after = rows_of(database)
    for table, row in before.items():
        assert row.items() <= after[table].items()
    run = invented.run(1)
    Records(database).record_run(run)
    assert Records(database).record_cases(list(invented.cases(run)))


def insert_a_row_each(engine: Engine) -> None:
    """One row in every table, with a value in every column; every reference leads to the one row that there is."""
    tables = MetaData()
    with engine.connect() as connection, connection.begin():
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(
                    table.insert().values({column.name: value_of(column.type) for column in table.columns})
                )


def value_of(kind: object) -> object:
    match kind:
        case Text():
            return "x"
        case Boolean():
            return True
        case DateTime():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case _:
            return 1_000_000  # no number that a row gets by itself


def rows_of(engine: Engine) -> dict[str, dict[str, object]]:
    """The first row of every table."""
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        found = {table.name: connection.execute(table.select()).mappings().first() for table in tables.sorted_tables}
    return {name: dict(row) for name, row in found.items() if row is not None and name != "alembic_version"}


def test_two_processes_that_migrate_at_once_do_it_once(database: Engine, database_url: str) -> None:
    engines = [open_database(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, engines))
    for engine in engines:
        engine.dispose()
    assert differences(database) == []


def test_tables_of_a_later_version_are_left_alone(database: Engine) -> None:
    upgrade(database)
    with database.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RecordsError, match="later version"):
        upgrade(database)
