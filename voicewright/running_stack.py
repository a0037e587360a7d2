"""The local stack that runs here: `voicewright dev` writes into its data folder where it listens."""

import json
import os
from pathlib import Path
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource

STACK_FILE = Path("stack.json")


def default_data_dir() -> Path:
    """Where the local stack keeps its data, and where commands look for a running one."""
    return Path(os.environ.get("VOICEWRIGHT_DATA_DIR", ".voicewright"))


def no_stack() -> str:
    """Why nothing is known of a stack here, and what to do about it; for the end of a sentence."""
    return (
        f"no stack was found here (there is no {default_data_dir() / STACK_FILE}): start one with `voicewright dev`, "
        "or name the data folder of one that runs with VOICEWRIGHT_DATA_DIR"
    )


def stack_is_known() -> bool:
    """Whether a local stack says here where it listens."""
    return (default_data_dir() / STACK_FILE).is_file()


class RunningStack(PydanticBaseSettingsSource):
    """Its addresses, as a source of settings."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002
        """Nothing: all that is known is given at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The settings that it wrote down; none where no stack has run here."""
        try:
            stack = json.loads((default_data_dir() / STACK_FILE).read_text())
        except (OSError, ValueError):
            return {}
        known = stack.get("settings", {})
        return known if isinstance(known, dict) else {}
