"""A suite file into the bucket, with the noise files that its callers name: calls workers find them there."""

from pathlib import Path

from voicewright.store.keys import noise_key
from voicewright.store.port import RecordStore
from voicewright.suite import Suite
from voicewright.suite.library import SuiteEntry, push
from voicewright.suite.reading.file import SuiteError, load_suite
from voicewright.suite.reading.yaml_source import Problem, read_yaml
from voicewright.wav import WavError, parse_wav

_FOLDER = "noise"
_MAX_BYTES = 50_000_000
_MEND = "`ffmpeg -i FILE -c:a pcm_s16le OUT.wav` makes one of 16 bits"


def push_file(store: RecordStore, path: Path) -> SuiteEntry:
    """Register a suite file, and store the noise that it names.

    Raises:
        SuiteError: the file has mistakes, or a noise file that it names cannot be used.
    """
    suite, raw = load_suite(path)
    push_noise(store, suite, raw, path)
    return push(store, suite, raw)


def push_noise(store: RecordStore, suite: Suite, raw: bytes, path: Path) -> None:
    """Store what lies beside the suite file, or in a folder `noise` there; what is stored already need not.

    Args:
        store: where to.
        suite: what was read from the file.
        raw: the file's bytes, for the place of a mistake.
        path: the suite file.

    Raises:
        SuiteError: a file is nowhere, is no WAV file of 16 bits, or another of its name is stored; all that are wrong.
    """
    for file, body in _each_noise(suite, raw, str(path), path.parent, store).items():
        if body is not None:
            store.put_if_absent(noise_key(file), body, "audio/wav")


def check_noise(suite: Suite, raw: bytes, path: Path, store: RecordStore | None) -> None:
    """The same without storing anything; `store` is None where none is known.

    Raises:
        SuiteError: a file is nowhere, is no WAV file of 16 bits, or another of its name is stored; all that are wrong.
    """
    _each_noise(suite, raw, str(path), path.parent, store)


def check_stored_noise(suite: Suite, raw: bytes, name: str, store: RecordStore) -> None:
    """The same for a suite that comes without files beside it: whatever it names must be stored.

    Raises:
        SuiteError: a file is not stored; all that are not.
    """
    _each_noise(suite, raw, name, None, store)


def _each_noise(
    suite: Suite, raw: bytes, name: str, folder: Path | None, store: RecordStore | None
) -> dict[str, bytes | None]:
    """What is to be stored of every noise file that a caller names; None where it is stored already."""
    called = {name for case in suite.cases for name in suite.profiles_of(case)}
    noises = {name: profile.noise for name, profile in suite.profiles.items() if name in called}
    named = {name: noise.file for name, noise in noises.items() if noise is not None and noise.file is not None}
    if not named:
        return {}
    source = read_yaml(raw)
    problems: list[Problem] = []
    bodies: dict[str, bytes | None] = {}
    for profile, file in named.items():
        try:
            bodies[file] = _read(store, folder, file)
        except _UnusableError as error:
            place = source.value_at(("profiles", profile, "noise", "file"))
            problems.append(Problem(*place, f"profiles.{profile}.noise.file: {file}: {error}"))
    if problems:
        raise SuiteError(name, problems)
    return bodies


class _UnusableError(Exception):
    """Why a file cannot be used, in words."""


def _read(store: RecordStore | None, folder: Path | None, file: str) -> bytes | None:
    """What lies beside the suite; None where it is stored already."""
    key = noise_key(file)
    beside = (folder / file, folder / _FOLDER / file) if folder is not None else ()
    found = next((path for path in beside if path.is_file()), None)
    if found is None:
        if store is None:
            raise _UnusableError(f"it does not lie beside the suite: put it into {folder}")
        if key in store.list_keys(key):
            return None
        if folder is None:
            raise _UnusableError("it is not in the bucket: `voicewright suites push FILE` puts it there with its suite")
        raise _UnusableError(f"it lies neither beside the suite nor in the bucket: put it into {folder}")
    body = _sound(found)
    stored = store.get_if_present(key) if store is not None else None
    if stored is not None and stored != body:
        message = "another file of this name is stored, and calls may be using it: give this one another name"
        raise _UnusableError(message)
    return body if stored is None else None


def _sound(path: Path) -> bytes:
    """The bytes of a file of 16-bit sound."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            size_mb, limit_mb = size / 1e6, _MAX_BYTES // 1_000_000
            raise _UnusableError(f"it has {size_mb:.0f} MB, {limit_mb} are taken: it is looped, a minute is enough")
        body = path.read_bytes()
    except OSError as error:
        raise _UnusableError(f"it cannot be read: {error.strerror}") from None
    try:
        sound = parse_wav(body).sound
    except WavError as error:
        raise _UnusableError(f"{error}: {_MEND}") from None
    if not any(sound):
        raise _UnusableError("it holds no sound")
    return body
