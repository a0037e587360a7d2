"""Kokoro's 54 voices: no Python package has them, so they come out of the npm package kokoro-js.

`make models` calls `fetch` once, on a machine that has npm and reaches its registry; nothing is fetched at run time.
A machine without either is given the folder by copying it. The voices are trusted by their digest.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from activities.errors import BadInputError, InstallationError

PACKAGE = "kokoro-js@1.2.1"
VOICES_SHA256 = "b89b16e8843463c5a16d45f3904df4c7d0d2a2fdb3997acfb1adc443ec4b4417"
"""Of all voice files one after the other, in the order of their names."""
_ROWS, _WIDTH = 510, 256
_FETCH_S = 300


def folder(models_dir: Path) -> Path:
    """Where the voices lie once they are fetched: one `<voice>.bin` each."""
    return models_dir.expanduser() / f"kokoro-voices-{VOICES_SHA256[:8]}"


def style(models_dir: Path, voice: str) -> NDArray[np.float32]:
    """A voice: shape (510, 256), one style vector per number of phonemes, from one on.

    Raises:
        BadInputError: there is no such voice.
        InstallationError: the voices were not fetched.
    """
    voices = folder(models_dir)
    if not voices.is_dir():
        raise InstallationError(
            f"the Kokoro voices are missing ({voices}), so only English with Piper and espeak-ng's voices are spoken: "
            "run `make models`, which takes them from npm, or set VOICEWRIGHT_TTS_OTHER=espeak"
        )
    path = voices / f"{voice}.bin"
    if not voice.isidentifier() or not path.is_file():
        known = ", ".join(sorted(file.stem for file in voices.glob("*.bin")))
        raise BadInputError(f"kokoro has no voice {voice!r}; it has {known}")
    return np.fromfile(path, "<f4").astype(np.float32).reshape(_ROWS, _WIDTH)


def fetch(models_dir: Path) -> Path:
    """Take the voices out of the npm package, unless they are there already; returns their folder.

    Raises:
        InstallationError: npm is missing or fails, or the package holds something else.
    """
    voices = folder(models_dir)
    if voices.is_dir():
        return voices
    if shutil.which("npm") is None:
        raise InstallationError(f"npm is missing, which brings the Kokoro voices ({PACKAGE}): apt-get install npm")
    voices.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kokoro-voices-", dir=voices.parent) as made:
        building = Path(made)
        _unpack(_packed(building), building / "voices")
        _verify(building / "voices")
        try:
            (building / "voices").rename(voices)
        except OSError:  # another process was faster
            if not voices.is_dir():
                raise
    return voices


def _packed(into: Path) -> Path:
    command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(into)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    except subprocess.TimeoutExpired:
        raise InstallationError(f"`{' '.join(command)}` did not end within {_FETCH_S} s: try again") from None
    found = list(into.glob("*.tgz"))
    if done.returncode != 0 or not found:
        raise InstallationError(f"`npm pack {PACKAGE}` failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return found[0]


def _unpack(archive: Path, into: Path) -> None:
    """The voices alone; names are not taken from the archive's paths, so nothing lands elsewhere."""
    into.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name)
            source = tar.extractfile(member) if name.parent.name == "voices" and name.suffix == ".bin" else None
            if source is not None:
                with source, (into / name.name).open("wb") as out:
                    shutil.copyfileobj(source, out)


def _verify(voices: Path) -> None:
    digest = hashlib.sha256()
    for file in sorted(voices.iterdir()):
        digest.update(file.read_bytes())
    if digest.hexdigest() != VOICES_SHA256:
        raise InstallationError(
            f"{PACKAGE} does not hold the published voices: their SHA-256 is {digest.hexdigest()}, "
            f"expected {VOICES_SHA256}"
        )
