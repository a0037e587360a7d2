"""The records in a real database of each kind: written in any order, by several processes, killed or not."""

import contextlib
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import invented_records as invented
import pytest
from sqlalchemy import Engine, inspect, text

from voicewright.contracts.case import Outcome
from voicewright.contracts.records import CaseRecord
from voicewright.records import Records, RecordsError, open_database, upgrade

RUNS, DEFECTS = 6, 5
CASE = '{"record":"case"'


def fill(records: Records) -> None:
    """What every test records."""
    for number in range(RUNS):
        run = invented.run(number, ended=number != RUNS - 1)
        records.record_run(run)
        assert records.record_cases(list(invented.cases(run)))
    for number in range(DEFECTS):
        records.record_defect(invented.defect(number))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The export of all that, written once by one process."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('expected')}/records.db")
    upgrade(engine)
    fill(Records(engine))
    yield "".join(Records(engine).export())
    engine.dispose()


def test_what_is_recorded_is_exported_alike_by_every_database(database: Engine, expected: str) -> None:
    upgrade(database)
    fill(Records(database))
    assert "".join(Records(database).export()) == expected
    told = [CaseRecord.model_validate_json(line) for line in expected.splitlines() if line.startswith(CASE)]
    held = [case for number in range(RUNS) for case in invented.cases(invented.run(number))]
    assert sorted(told, key=lambda case: case.workflow_id) == sorted(held, key=lambda case: case.workflow_id)


def test_writing_again_changes_nothing(database: Engine, expected: str) -> None:
    upgrade(database)
    fill(Records(database))
    fill(Records(database))
    assert "".join(Records(database).export()) == expected


def test_many_writers_at_once_are_one(database: Engine, expected: str) -> None:
    upgrade(database)
    jobs: list[Callable[[], object]] = []
    records = Records(database)
    for number in range(RUNS):
        run = invented.run(number, ended=number != RUNS - 1)
        records.record_run(run.model_copy(update={"ended_at": None, "cancelled": False}))
        some = list(invented.cases(run))
        jobs += [partial(records.record_cases, [one]) for one in some] * 3
        jobs += [partial(records.record_cases, some), partial(records.record_run, run)]
    jobs += [partial(records.record_defect, invented.defect(number)) for number in range(DEFECTS)] * 3
    random.Random(7).shuffle(jobs)  # noqa: S311 - not for secrets

    def done(job: Callable[[], object]) -> None:
        while True:  # as a worker: SQLite takes no turns, and on a busy machine some writer waits for too long
            with contextlib.suppress(RecordsError):
                job()
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(done, jobs))
    assert "".join(records.export()) == expected


KILLS = 2
"""Pairs of writers that are to be killed while both still write."""
MOST_ROUNDS = 20


def test_a_writer_that_is_killed_loses_nothing_and_leaves_no_half(
    database: Engine, database_url: str, expected: str
) -> None:
    upgrade(database)
    dice = random.Random(3)  # noqa: S311 - not for secrets
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(Path.cwd() / "tests")])}
    cut_short = rounds = 0
    while True:
        kill = cut_short < KILLS and rounds < MOST_ROUNDS
        rounds += 1
        command = [sys.executable, __file__, database_url]
        writers = [
            subprocess.Popen([*command, str(dice.random())], env=environment, stdout=subprocess.PIPE) for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
        if kill:
            time.sleep(dice.random() * 0.2 / rounds)
            for writer in writers:
                os.kill(writer.pid, signal.SIGKILL)
        ended = [writer.wait(timeout=300) for writer in writers]
        for writer in writers:
            writer.communicate()
        cut_short += ended == [-signal.SIGKILL] * 2
        for line in Records(database).export():
            assert not line.startswith(CASE) or line in expected  # whole, or not at all
        if not kill:
            break
    assert ended == [0, 0]
    assert cut_short == KILLS
    assert "".join(Records(database).export()) == expected


def test_a_case_that_ended_waits_for_nobody(database: Engine) -> None:
    upgrade(database)
    records, run = Records(database), invented.run(0)
    records.record_run(run)
    ended = next(case for case in invented.cases(run) if case.outcome is Outcome.PASSED)
    waits = ended.model_copy(update={"outcome": None, "turns": (), "checks": ()})
    records.record_cases([waits])
    assert records.runs().lines[0].waiting == 1
    records.record_cases([ended])
    before = list(records.export())
    records.record_cases([waits])  # a step that was repeated late
    assert list(records.export()) == before
    assert records.runs().lines[0].counts == {Outcome.PASSED: 1}


def test_a_case_of_a_run_that_nobody_knows_is_not_taken(database: Engine) -> None:
    upgrade(database)
    assert not Records(database).record_cases(list(invented.cases(invented.run(0))))
    assert list(Records(database).export()) == []


def test_what_is_forgotten_is_gone_with_all_that_hung_on_it(database: Engine) -> None:
    upgrade(database)
    fill(Records(database))
    records = Records(database)
    records.forget(runs=records.run_ids(), defects=records.defect_ids())
    assert list(records.export()) == []
    with database.connect() as connection:
        for table in inspect(database).get_table_names():
            if table != "alembic_version":
                assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table  # noqa: S608


def test_a_database_without_tables_says_what_to_start(database: Engine) -> None:
    with pytest.raises(RecordsError, match="integrations"):
        Records(database).runs()


def test_a_server_that_is_away_is_said_without_its_password() -> None:
    engine = open_database("postgresql://me:hush@127.0.0.1:9/records")
    with pytest.raises(RecordsError, match=r"127.0.0.1:9/records.*is the database up") as raised:
        Records(engine).runs()
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "records.db", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(RecordsError, match="VOICEWRIGHT_DATABASE_URL"):
        open_database(url)


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/new/records.db")
    upgrade(engine)
    fill(Records(engine))
    for file in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


if __name__ == "__main__":
    print("writing", flush=True)  # noqa: T201 - says that it can be killed
    writer = open_database(sys.argv[1])
    shuffled = random.Random(sys.argv[2])  # noqa: S311 - not for secrets
    everything = [invented.run(number, ended=number != RUNS - 1) for number in range(RUNS)]
    shuffled.shuffle(everything)
    for of in everything:
        Records(writer).record_run(of)
        held = list(invented.cases(of))
        shuffled.shuffle(held)
        for one in held:
            Records(writer).record_cases([one])
    for number in range(DEFECTS):
        Records(writer).record_defect(invented.defect(number))
