"""Secrets of a suite: named in it, known to the calls worker alone."""

import re
from collections.abc import Mapping

from activities.errors import InstallationError

_SECRET = re.compile(r"\$\{secret:([A-Za-z0-9_]+)\}")


def fill_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Replace `${secret:NAME}` by the variable `VOICEWRIGHT_SECRET_NAME`: only variables of that prefix can be read.

    Raises:
        InstallationError: a secret is not set on this worker.
    """

    def value(match: re.Match[str]) -> str:
        name = f"VOICEWRIGHT_SECRET_{match[1]}"
        if name not in environment:
            raise InstallationError(f"the suite needs the secret {match[1]}: set {name} for the calls worker")
        return environment[name]

    return _SECRET.sub(value, text)
