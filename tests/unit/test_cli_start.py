"""`voicewright run` where nothing answers: within seconds, one line that says how to start a stack."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "voicewright.cli.main", "run"]


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield f"127.0.0.1:{server.getsockname()[1]}"


def took(what: Callable[[], object]) -> float:
    began = time.monotonic()
    what()
    return time.monotonic() - began


@pytest.mark.parametrize("suite", ["clinic", str(Path("examples/clinic/suite.yaml").resolve())])
@pytest.mark.parametrize("kind", ["nothing listens", "nothing answers"])
def test_no_stack_is_said_within_seconds(silent: str, tmp_path: Path, suite: str, kind: str) -> None:
    address = silent if kind == "nothing answers" else "127.0.0.1:9"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VOICEWRIGHT_")}
    environment |= {"VOICEWRIGHT_TEMPORAL_ADDRESS": address, "NO_COLOR": "1"}
    start_s = took(lambda: subprocess.run([*RUN, "--help"], capture_output=True, check=True))
    began = time.monotonic()
    done = subprocess.run(
        [*RUN, suite], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "`voicewright dev`" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - began < 20 + 4 * start_s  # of which 5 s wait for an answer
