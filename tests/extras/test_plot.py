"""`voicewright judge eval --plot` with the extra that it wants."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.extras


def test_eval_draws_reliability_and_risk(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="`make extras` installs it beside .venv")
    file, picture = tmp_path / "pairs.jsonl", tmp_path / "judge.png"
    pairs = [("We open at nine.", "We open at nine.", "pass"), ("We open at nine.", "We are closed.", "fail")]
    lines = [json.dumps({"expected": one, "actual": other, "label": label}) for one, other, label in pairs]
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "voicewright.judge", "eval", str(file), "--plot", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"plot: {picture}" in done.stderr.replace("\n", "")
