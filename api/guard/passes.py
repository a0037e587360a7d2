"""Passes for recordings: browsers send no cookies from a report, which runs in a sandbox; its recordings play anyway.

A pass opens the recordings of one run for an hour. It stands in the report's address, and is signed, not stored.
"""

import hashlib
import hmac
import secrets
import time

from voicewright.settings import Settings

_LASTS_S = 3600
_FRESH_S = 1800
"""A report's address gets a new pass when less than this is left."""


class Passes:
    """Signs and checks passes. Web apps with the same secret of the object store take each other's."""

    def __init__(self, settings: Settings) -> None:
        shared = settings.s3_secret_access_key
        known = shared.get_secret_value().encode() if shared is not None else secrets.token_bytes(32)
        self._key = hashlib.sha256(b"voicewright recordings\0" + known).digest()

    def issue(self, run_id: str) -> str:
        """A pass for the recordings of a run."""
        until = int(time.time()) + _LASTS_S
        return f"{until}.{self._signature(run_id, until)}"

    def opens(self, given: str, run_id: str, *, left_s: int = 0) -> bool:
        """Whether a pass opens the recordings of a run, and for so much longer."""
        until, _, signature = given.partition(".")
        if not until.isascii() or not until.isdigit() or len(until) > len(str(2**53)):
            return False
        if not hmac.compare_digest(signature.encode(), self._signature(run_id, int(until)).encode()):
            return False
        return time.time() + left_s < int(until)

    def is_fresh(self, given: str, run_id: str) -> bool:
        """Whether a report's address needs no other pass yet."""
        return self.opens(given, run_id, left_s=_FRESH_S)

    def _signature(self, run_id: str, until: int) -> str:
        return hmac.new(self._key, f"{until}\n{run_id}".encode(), hashlib.sha256).hexdigest()
