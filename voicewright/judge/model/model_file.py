"""The files of the judge's models."""

from pathlib import Path

from voicewright.judge.errors import ModelMissingError


def present(path: Path) -> Path:
    """Return the path if there is a file.

    Raises:
        ModelMissingError: there is no such file.
    """
    if not path.is_file():
        raise ModelMissingError(f"the judge's model {path} is missing: pip install 'voicewright[judge]'")
    return path
