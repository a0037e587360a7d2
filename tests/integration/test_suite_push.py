"""Suites into the real bucket, with the noise files that their callers name."""

import uuid
from pathlib import Path

import numpy as np
import pytest
from local_stack import LocalStack

from activities.audio.pcm import wav_bytes
from activities.call.profile import CallerProfile
from voicewright.store.keys import noise_key
from voicewright.store.s3 import S3Store
from voicewright.suite.format.profile import Noise, Profile

TONE = (8000 * np.sin(np.arange(16_000) / 20)).astype(np.int16)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Of one caller in the noise of `FILE`, whose name nothing else in the bucket has."""
    mark = uuid.uuid4().hex[:8]
    path = tmp_path / f"street-{mark}.yaml"
    path.write_text(f"""\
suite: street-{mark}
agent: {{channel: media_stream, url: "ws://127.0.0.1:9/m"}}
defaults: {{profiles: [street]}}
profiles:
  street:
    noise: {{file: {mark}.wav, snr_db: 5}}
cases:
  - id: hello
    turns: [{{say: Hello?, expect: {{contains: [hello]}}}}]
""")
    return path


def noise_of(suite: Path) -> str:
    return f"{suite.stem.removeprefix('street-')}.wav"


@pytest.mark.parametrize("folder", [".", "noise"])
def test_noise_beside_a_suite_is_taken_along_and_heard(stack: LocalStack, suite: Path, folder: str) -> None:
    beside = suite.parent / folder / noise_of(suite)
    beside.parent.mkdir(exist_ok=True)
    beside.write_bytes(wav_bytes([TONE], 8000))
    done = stack.cli("suites", "push", str(suite))
    assert done.returncode == 0, done.stderr
    store = S3Store(stack.settings)
    caller = CallerProfile(Profile(noise=Noise(file=noise_of(suite), snr_db=5)), 8000, "hello")
    heard = caller.backdrop([TONE], store, 8000).behind(np.zeros(8000, np.int16)).astype(float)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == np.argmax(np.abs(np.fft.rfft(TONE[:8000].astype(float))))
    beside.unlink()  # what is stored is not asked for again
    assert stack.cli("suites", "push", str(suite)).returncode == 0


def test_noise_that_cannot_be_used_is_told_at_its_line_and_nothing_is_pushed(stack: LocalStack, suite: Path) -> None:
    beside, store = suite.with_name(noise_of(suite)), S3Store(stack.settings)
    eight_bits = wav_bytes([TONE], 8000)[:34] + b"\x08\x00" + wav_bytes([TONE], 8000)[36:]
    for body, told in [
        (None, f"put it into {suite.parent}"),
        (b"ID3 an mp3", "no WAV file"),
        (b"", "it ends too early"),
        (wav_bytes([TONE[:0]], 8000), "it holds no sound"),
        (wav_bytes([0 * TONE], 8000), "it holds no sound"),
        (wav_bytes([TONE], 8000)[:-1], "it is cut off"),
        (wav_bytes([TONE], 8000)[:44], "it is cut off"),
        (eight_bits, "8 bits"),
    ]:
        if body is not None:
            beside.write_bytes(body)
        for command in (["suites", "push"], ["run"]) if body is None else (["suites", "push"],):
            done = stack.cli(*command, str(suite))
            assert done.returncode == 2, done.stdout + done.stderr
            assert f"{suite}:6:19" in done.stderr.replace("\n", "")
            assert told in done.stderr.replace("\n", " ")
            assert "Traceback" not in done.stderr
    assert store.get_if_present(noise_key(beside.name)) is None
    assert suite.stem not in stack.cli("suites", "list").stdout


def test_noise_of_another_suite_is_not_replaced(stack: LocalStack, suite: Path) -> None:
    beside, store = suite.with_name(noise_of(suite)), S3Store(stack.settings)
    store.put(noise_key(beside.name), b"theirs", "audio/wav")
    beside.write_bytes(wav_bytes([TONE], 8000))
    done = stack.cli("suites", "push", str(suite))
    assert done.returncode == 2
    assert "give this one another name" in done.stderr.replace("\n", " ")
    assert store.get(noise_key(beside.name)) == b"theirs"


def test_one_file_that_cannot_be_used_keeps_all_of_them_out(stack: LocalStack, suite: Path) -> None:
    beside, store = suite.with_name(noise_of(suite)), S3Store(stack.settings)
    beside.write_bytes(wav_bytes([TONE], 8000))
    text = suite.read_text().replace("profiles: [street]", "profiles: [street, hall]")
    suite.write_text(text.replace("cases:", "  hall: {noise: {file: nowhere.wav}}\ncases:"))
    assert stack.cli("suites", "push", str(suite)).returncode == 2
    assert store.get_if_present(noise_key(beside.name)) is None
    suite.write_text(suite.read_text().replace("[street, hall]", "[street]"))  # who calls nobody needs no file
    assert stack.cli("suites", "push", str(suite)).returncode == 0
    assert store.get_if_present(noise_key(beside.name)) is not None
