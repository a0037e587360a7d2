"""The judge is a library of its own: its example runs where nothing else of the project can be imported."""

import re
import subprocess
import sys
import textwrap

import voicewright.judge

_OUT_OF_REACH = ("temporalio", "boto3", "activities", "workflows", "workers", "api")
_BLOCK = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {_OUT_OF_REACH!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def example() -> str:
    doc = voicewright.judge.__doc__
    assert doc is not None
    block = re.search(r"(?:^    .*\n|^\n)+", doc, re.MULTILINE)
    assert block is not None
    return textwrap.dedent(block[0])


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)


def test_the_example_runs_without_temporal_the_object_store_and_the_workers() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 10
    done = run(_BLOCK + example())
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in {"pass", "review"}


def test_what_the_example_must_not_import_is_really_out_of_reach() -> None:
    for name in _OUT_OF_REACH:
        assert f"blocked: {name}" in run(f"{_BLOCK}\nimport {name}").stderr


def test_everything_in_all_is_there() -> None:
    assert [name for name in voicewright.judge.__all__ if not hasattr(voicewright.judge, name)] == []
