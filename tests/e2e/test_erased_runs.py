"""What was said in calls is erased: nothing of it is found in bucket, databases and logs afterwards."""

import base64
import contextlib
import gzip
import itertools
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from local_stack import LocalStack
from patience import PATIENCE_S

from voicewright.contracts.transcript import Transcript
from voicewright.store.s3 import S3Store

pytestmark = pytest.mark.runs
SUITE = Path("examples/clinic/suite.yaml")
NOTE = "mumbled about a hippopotamus"


def test_nothing_of_a_run_is_found_once_it_is_erased(stack: LocalStack, clinic: str) -> None:
    agent = f"{clinic}?bugs=mumbles,wrong_price"
    ran = stack.cli("run", str(SUITE), "--case", "parking", "--case", "price", "--agent", agent, "--id", "run-erased")
    assert ran.returncode in {1, 4}, ran.stdout + ran.stderr
    decided = stack.cli("review", "decide", "run-erased/parking/en/1", "fail", "--reviewer", "Ada", "--note", NOTE)
    assert decided.returncode == 0, decided.stderr
    store = S3Store(stack.settings)
    until(lambda: store.get_if_present("runs/run-erased/results.json") is not None)
    words = said(store)
    before = {word for word in words if found(store, word)}
    assert before, words
    assert any(NOTE in text for text in texts(store))
    assert [*in_database(stack.data / "temporal.db", NOTE)]

    done = stack.cli("erase", "run-erased", "--reason", "asked by the caller", "--by", "Ada", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "run-erased: 2 cases erased" in done.stdout
    assert re.search(r"evidence erased in defects VW-\w{8}", done.stdout)

    assert [word for word in (*words, NOTE) if found(store, word)] == []
    assert [key for key in store.list_keys("runs/run-erased/") if key.endswith((".wav", ".mp3"))] == []
    until(lambda: not [*in_database(stack.data / "temporal.db", NOTE)])
    for word in (*words, NOTE):
        assert not [*in_database(stack.data / "records.db", word)]
        for log in (stack.data / "logs").glob("*.log"):
            assert word not in log.read_text(errors="replace"), log

    page = httpx.get(f"{stack.settings.web_url}/report/run-erased", trust_env=False)
    assert page.status_code == 200
    assert page.text.count("data-audio=") == 0
    audio = httpx.get(f"{stack.settings.web_url}/audio/run-erased/price/en/1", trust_env=False)
    assert audio.status_code == 404
    told = stack.cli("runs", "show", "run-erased")
    assert "2 failed of 2" in told.stdout
    assert "[erased]" in told.stdout
    again = stack.cli("erase", "run-erased", "--case", "run-erased/nothing/en/1", "--yes")
    assert again.returncode == 2
    assert "has no case run-erased/nothing/en/1" in again.stderr


def said(store: S3Store) -> set[str]:
    """What the agent said that nobody but it can have brought in: runs of its words that no suite holds."""
    known = SUITE.read_text().lower()
    found = set()
    for case in ("parking", "price"):
        raw = store.get(f"runs/run-erased/cases/{case}/en/1/transcript.json")
        words = [word.text for word in Transcript.model_validate_json(raw).agent.words]
        for first, second in itertools.pairwise(words):
            if f"{first} {second}".lower() not in known and len(first) > 3:
                found.add(f"{first} {second}")
    assert found
    return found


def found(store: S3Store, text: str) -> bool:
    return any(text in one for one in texts(store))


def texts(store: S3Store) -> Iterator[str]:
    """All that lies in the bucket of this run, of defects and of what the judge learned; packed data opened."""
    for prefix in ("runs/run-erased/", "defects/", "judge/"):
        for key in store.list_keys(prefix):
            text = store.get(key).decode(errors="replace")
            yield text
            if (packed := re.search(r'<script type="application/gzip" id="data">([^<]+)<', text)) is not None:
                yield gzip.decompress(base64.b64decode(packed[1])).decode()


def in_database(file: Path, text: str) -> Iterator[str]:
    """The tables of a SQLite database that hold a text. A copy is read: who reads the server's own file holds it up."""
    with tempfile.TemporaryDirectory() as folder:
        for part in file.parent.glob(f"{file.name}*"):
            shutil.copy(part, folder)
        yield from in_copy(Path(folder) / file.name, text)


def in_copy(file: Path, text: str) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own names
                cells = (cell.encode() if isinstance(cell, str) else cell for cell in row)
                if any(isinstance(cell, bytes) and text.encode() in cell for cell in cells):
                    yield table


def until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(2)
