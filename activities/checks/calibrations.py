"""A project's calibrations of the judge, in the object store; old versions stay."""

import json
import time
from threading import Lock

from voicewright.judge import Calibration
from voicewright.store.keys import calibration_key
from voicewright.store.port import RecordStore

_FRESH_S = 30.0
_JSON = "application/json"


class StoredCalibrations:
    """`Calibrations` in the object store. Thread-safe; looks for a newer version every 30 s."""

    def __init__(self, store: RecordStore, project: str) -> None:
        self._store = store
        self.project = project
        self._lock = Lock()
        self._read_at = float("-inf")
        self._current: Calibration | None = None

    def current(self) -> Calibration | None:
        """See `Calibrations`."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_S:
                raw = self._store.get_if_present(calibration_key(self.project, "current"))
                newest = json.loads(raw)["version"] if raw else 0
                if newest != (self._current.version if self._current else 0):
                    self._current = self.version(newest)
                self._read_at = time.monotonic()
            return self._current

    def version(self, number: int) -> Calibration | None:
        """One version, or None."""
        raw = self._store.get_if_present(calibration_key(self.project, f"{number:04d}"))
        return Calibration.load(json.loads(raw)) if raw else None

    def save(self, calibration: Calibration) -> None:
        """Store a version, then make it the current one."""
        key = calibration_key(self.project, f"{calibration.version:04d}")
        self._store.put(key, json.dumps(calibration.dump()).encode(), _JSON)
        pointer = json.dumps({"version": calibration.version}).encode()
        self._store.put(calibration_key(self.project, "current"), pointer, _JSON)
        self._read_at = float("-inf")
