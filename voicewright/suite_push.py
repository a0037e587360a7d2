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
    problems = []
    for name, profile in suite.profiles.items():
        file = profile.noise.file if profile.noise is not None else None
        if file is not None and (wrong := _push(store, path.parent, file)) is not None:
            problems.append(Problem(*source.value_at(("profiles", name, "noise", "file")), f"{file}: {wrong}"))
    if problems:
        raise SuiteError(str(path), sorted(problems))


def _push(store: Store, folder: Path, file: str) -> str | None:
    """What is wrong with a file, in words."""
    key = noise_key(file)
    found = next((path for path in (folder / file, folder / _FOLDER / file) if path.is_file()), None)
    if found is None:
        stored = key in store.list_keys(key)
        return None if stored else f"it lies neither beside the suite nor in the bucket: put it into {folder}"
    body = found.read_bytes()
    if (wrong := _wrong_with(body)) is not None:
        return wrong
    if store.put_if_absent(key, body, "audio/wav") is None and store.get_if_present(key) != body:
        return "another file of this name is stored, and calls may be using it: give this one another name"
    return None


def _wrong_with(body: bytes) -> str | None:
    if len(body) > _MAX_BYTES:
        return f"it has {len(body) / 1e6:.0f} MB, {_MAX_BYTES // 1_000_000} are taken: it is looped, a minute is enough"
    try:
        with wave.open(io.BytesIO(body)) as sound:
            bits, frames = sound.getsampwidth() * 8, sound.getnframes()
    except (wave.Error, EOFError) as error:
        return f"it is no WAV file ({str(error) or 'it ends too early'}): {_MEND}"
    if bits != _BITS:
        return f"its samples have {bits} bits: {_MEND}"
    return None if frames else "it holds no sound"
