"""Files of the judge's models."""

from pathlib import Path

from activities.errors import InstallationError


def present(path: Path) -> Path:
    """The path itself.

    Raises:
        InstallationError: there is no such file.
    """
    if not path.is_file():
        raise InstallationError(f"the judge's model {path} is missing: reinstall Voicewright")
    return path
