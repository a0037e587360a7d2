"""What set-up leaves out is wanted by nobody who did not ask for it, and whoever asks is told how to get it."""

import subprocess
import sys
from pathlib import Path

import pytest

_WITHOUT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "sentence_transformers", "matplotlib"}:
            raise ModuleNotFoundError(f"blocked: {name}", name=name)

sys.meta_path.insert(0, Blocked())
from voicewright.judge import MeaningJudge, ModelMissingError, Pair
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _WITHOUT + code], capture_output=True, text=True, check=False)


def test_workers_load_and_every_language_is_judged_without_torch() -> None:
    done = run(
        "import workers.build, workers.local, workers.judging.__main__\n"
        "spoken = [('en', 'We open at nine.', 'at nine'), ('es', 'Abrimos a las nueve.', 'a las nueve')]\n"
        "print([MeaningJudge().judge([Pair(said, heard, '', tag)])[0].p_pass > 0 for tag, said, heard in spoken])"
    )
    assert done.stdout.split("\n")[0] == "[True, True]", done.stderr


@pytest.mark.parametrize(
    ("options", "language", "setting"),
    [
        ("engine='sentence-transformers'", "en", "VOICEWRIGHT_EMBEDDING_ENGINE"),
        ("embedding_model='intfloat/multilingual-e5-small'", "es", "VOICEWRIGHT_EMBEDDING_MODEL"),
        ("embedding_model='/a/folder'", "zh", "VOICEWRIGHT_EMBEDDING_MODEL"),
    ],
)
def test_the_engine_that_is_not_installed_is_named_with_its_extra(options: str, language: str, setting: str) -> None:
    done = run(
        "try:\n"
        f"    MeaningJudge({options}).judge([Pair('nine', 'ten', 'When?', {language!r})])\n"
        "except ModelMissingError as error:\n"
        "    print(error)"
    )
    assert setting in done.stdout, done.stdout + done.stderr
    assert "pip install 'voicewright[sentence-transformers]'" in done.stdout


def test_a_plot_without_matplotlib_is_refused_before_anything_is_judged(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['matplotlib'] = None\n"
        "from voicewright.judge.__main__ import main\nraise SystemExit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "eval", "nowhere.jsonl", "--plot", f"{tmp_path}/a.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'voicewright[plot]'" in done.stderr.replace("\n", "")
