"""A bench that lacks what it measures says so in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path("bench").absolute()


@pytest.mark.parametrize("name", ["mutants", "throughput"])
def test_without_a_stack_a_bench_says_how_to_start_one(name: str, tmp_path: Path) -> None:
    nowhere = {"VOICEWRIGHT_TEMPORAL_ADDRESS": "127.0.0.1:9", "VOICEWRIGHT_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(BENCH / f"{name}.py")],
        cwd=tmp_path,
        env={**os.environ, **nowhere, "PYTHONPATH": str(BENCH.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{name}.py: ")
    assert "`voicewright dev`" in line


def test_all_benches_start_in_the_same_way() -> None:
    mains = {path.stem for path in BENCH.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    started = {path.stem for path in BENCH.glob("*.py") if "\n    start(main)\n" in path.read_text()}
    assert len(started) > 10
    assert mains - started == {"judge_speed"}  # it needs no stack, and measures the memory of what it imports
