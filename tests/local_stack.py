"""Processes that tests start, and the local stack as its users see it."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from voicewright.settings import Settings

START_S = 600.0
"""A program that is still starting gets the time that a busy machine needs; one that has ended is not waited for."""
STOP_S = 120.0


@dataclass
class Child:
    """A process that has said that it is ready."""

    process: subprocess.Popen[bytes]
    log: Path
    address: str = ""

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=STOP_S)

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def start(command: list[str], log: Path, ready: str, environment: dict[str, str] | None = None) -> Child:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env={**os.environ, **(environment or {})}
        )
    child = Child(process, log)
    deadline = time.monotonic() + START_S
    while ready not in child.text():
        if process.poll() is not None or time.monotonic() > deadline:
            child.stop()
            pytest.fail(f"{command} did not come up:\n{child.text()[-3000:]}")
        time.sleep(0.1)
    return child


@dataclass
class LocalStack:
    """`voicewright dev`, as a user starts it."""

    child: Child
    data: Path
    settings: Settings
    otlp_url: str
    metrics_port: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "VOICEWRIGHT_DATA_DIR": str(self.data),
            "VOICEWRIGHT_OTLP_ENDPOINT": self.otlp_url,
            "NO_COLOR": "1",
        }

    def cli(self, *arguments: str, timeout_s: float = 500) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "voicewright.cli.main", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=timeout_s,
            check=False,
        )
