"""A case waits for a person: everything else goes on without that person, and says what is open."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from local_stack import LocalStack

pytestmark = pytest.mark.runs
SUITE = "examples/clinic/suite.yaml"


@pytest.fixture(scope="module")
def open_run(stack: LocalStack, clinic: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A run of two cases: one passes, one waits for a person."""
    folder = tmp_path_factory.mktemp("partial")
    done = stack.cli(
        "run", SUITE, "--case", "parking", "--case", "price", "--agent", f"{clinic}?bugs=mumbles",
        "--junit", str(folder / "junit.xml"), "--html", str(folder / "report.html"),
    )  # fmt: skip
    assert done.returncode == 4, done.stdout + done.stderr
    run_id = re.findall(r"run-clinic-\w+", done.stderr)[0]
    return run_id, folder


def test_a_watched_run_reports_what_is_open(open_run: tuple[str, Path]) -> None:
    _, folder = open_run
    root = ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - made here
    assert [(case.get("name"), [child.tag for child in case]) for case in root.iter("testcase")] == [
        ("price [en] #1", []),
        ("parking [en] #1", ["skipped"]),
    ]
    assert (folder / "report.html").stat().st_size > 20_000


def test_a_report_is_written_and_says_what_is_open(stack: LocalStack, open_run: tuple[str, Path]) -> None:
    run_id, folder = open_run
    done = stack.cli("report", run_id, "-o", str(folder / "again.html"), "--markdown", "-")
    assert done.returncode == 0, done.stderr
    assert "1 of 2 cases have an outcome, 1 wait for a person" in done.stderr
    assert "| `parking/en/1` |" in done.stdout
    assert "with 2 recordings" in done.stderr


def test_runs_are_compared_and_gate(stack: LocalStack, clinic: str, open_run: tuple[str, Path]) -> None:
    run_id = open_run[0]
    same = stack.cli("runs", "compare", run_id, run_id)
    assert same.returncode == 4, same.stdout + same.stderr
    assert "1 of its cases have no outcome yet" in same.stdout
    held = stack.cli("run", SUITE, "--case", "price", "--agent", clinic, "--baseline", run_id)
    assert held.returncode == 0, held.stdout + held.stderr
    assert f"baseline {run_id}: 1 cases judged in both" in held.stdout


def test_open_cases_are_judged_again_too(stack: LocalStack, open_run: tuple[str, Path]) -> None:
    done = stack.cli("judge", "rescore", open_run[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 cases judged again, 0 would be decided otherwise" in done.stdout
