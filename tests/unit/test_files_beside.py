"""What `check` says of the files that a suite names, without a store."""

from pathlib import Path

import numpy as np
import pytest

from activities.audio.pcm import wav_bytes
from voicewright.suite.push import check_noise
from voicewright.suite.reading.file import SuiteError, load_suite

TONE = (8000 * np.sin(np.arange(8000) / 20)).astype(np.int16)
SUITE = """\
suite: beside
agent: {channel: media_stream, url: "ws://127.0.0.1:9/m"}
profiles:
  street: {noise: {file: street.wav}}
  hall:
    noise:
      file: hall.wav
  unused: {noise: {file: nowhere.wav}}
defaults: {profiles: [street, hall]}
cases:
  - id: a
    turns: [{expect: {contains: [welcome]}}]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE)
    return path


def mistakes(suite: Path) -> list[str]:
    try:
        check_noise(*load_suite(suite), suite, None)
    except SuiteError as error:
        return [problem.at(suite.name) for problem in error.problems]
    return []


def test_each_file_that_is_missing_is_told_at_its_line(suite: Path) -> None:
    missing = mistakes(suite)
    assert [line.split(": ")[0] for line in missing] == ["suite.yaml:4:26", "suite.yaml:7:13"]
    assert all("does not lie beside the suite" in line for line in missing)


def test_files_that_lie_there_are_read(suite: Path) -> None:
    suite.with_name("street.wav").write_bytes(wav_bytes([TONE], 8000))
    (suite.parent / "noise").mkdir()
    hall = suite.parent / "noise" / "hall.wav"
    hall.write_bytes(wav_bytes([TONE], 8000))
    assert mistakes(suite) == []
    hall.write_bytes(b"OggS")
    [wrong] = mistakes(suite)
    assert wrong.startswith("suite.yaml:7:13")
    assert "no WAV file" in wrong


def test_a_file_that_is_far_too_large_is_not_read(suite: Path) -> None:
    suite.with_name("street.wav").write_bytes(wav_bytes([TONE], 8000))
    with suite.with_name("hall.wav").open("wb") as file:
        file.truncate(40_000_000_000)  # a hole: it takes no room
    [wrong] = mistakes(suite)
    assert "40000 MB" in wrong
