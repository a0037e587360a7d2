"""A suite file into the bucket, with the noise files that its callers name: calls workers find them there."""

import io
import wave
from pathlib import Path

from voicewright.artifact import noise_key
from voicewright.suite import Suite
from voicewright.suite_file import SuiteError, load_suite
from voicewright.suite_library import Store, SuiteEntry, push
from voicewright.yaml_source import Problem, read_yaml

_FOLDER = "noise"
_MAX_BYTES = 50_000_000
_BITS = 16
_MEND = "`ffmpeg -i FILE -c:a pcm_s16le OUT.wav` makes one of 16 bits"


def push_file(store: Store, path: Path) -> SuiteEntry:
    """Register a suite file, and store the noise that it names.

    Raises:
        SuiteError: the file has mistakes, or a noise file that it names cannot be used.
    """
    suite, raw = load_suite(path)
    push_noise(store, suite, raw, path)
    return push(store, suite, raw)


def push_noise(store: Store, suite: Suite, raw: bytes, path: Path) -> None:
    """Store what lies beside the suite file, or in a folder `noise` there; what is stored already need not.

    Args:
        store: where to.
        suite: what was read from the file.
        raw: the file's bytes, for the place of a mistake.
        path: the suite file.

    Raises:
        SuiteError: a file is nowhere, is no WAV file of 16 bits, or another of its name is stored; all that are wrong.
    """
    source = read_yaml(raw)
    problems, bodies = [], {}
    called = {name for case in suite.cases for name in suite.profiles_of(case)}
    for name, profile in suite.profiles.items():
        file = profile.noise.file if profile.noise is not None and name in called else None
        if file is None:
            continue
        try:
            bodies[file] = _read(store, path.parent, file)
        except _UnusableError as error:
            place = source.value_at(("profiles", name, "noise", "file"))
            problems.append(Problem(*place, f"{file}: {error}"))
    if problems:
        raise SuiteError(str(path), sorted(problems))
    for file, body in bodies.items():
        if body is not None:
            store.put_if_absent(noise_key(file), body, "audio/wav")


class _UnusableError(Exception):
    """Why a file cannot be used, in words."""


def _read(store: Store, folder: Path, file: str) -> bytes | None:
    """What lies beside the suite; None where it is stored already."""
    key = noise_key(file)
    found = next((path for path in (folder / file, folder / _FOLDER / file) if path.is_file()), None)
    if found is None:
        if key in store.list_keys(key):
            return None
        raise _UnusableError(f"it lies neither beside the suite nor in the bucket: put it into {folder}")
    body = found.read_bytes()
    _check(body)
    stored = store.get_if_present(key)
    if stored is not None and stored != body:
        message = "another file of this name is stored, and calls may be using it: give this one another name"
        raise _UnusableError(message)
    return body if stored is None else None


def _check(body: bytes) -> None:
    if len(body) > _MAX_BYTES:
        size_mb, limit_mb = len(body) / 1e6, _MAX_BYTES // 1_000_000
        raise _UnusableError(f"it has {size_mb:.0f} MB, {limit_mb} are taken: it is looped, a minute is enough")
    try:
        with wave.open(io.BytesIO(body)) as sound:
            bits, size = sound.getsampwidth() * 8, sound.getnframes() * sound.getnchannels() * sound.getsampwidth()
            samples = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise _UnusableError(f"it is no WAV file ({str(error) or 'it ends too early'}): {_MEND}") from None
    if bits != _BITS:
        raise _UnusableError(f"its samples have {bits} bits: {_MEND}")
    if len(samples) != size:
        raise _UnusableError(f"it is cut off: {len(samples)} of {size} bytes of sound are there")
    if not any(samples):
        raise _UnusableError("it holds no sound")
