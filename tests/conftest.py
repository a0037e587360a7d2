"""What all tests share: one real local stack, one real clinic, and the way out of the process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from standins.otlp_collector import OtlpCollector

from voicewright.leave import leave
from voicewright.settings import Settings

ROOT = Path(__file__).parent.parent
START_S = 90.0


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # With temporalio loaded, interpreter shutdown may crash and replace the status that CI lives by.
    if _STATUS in config.stash:
        leave(config.stash[_STATUS])


_STATUS = pytest.StashKey[int]()


@dataclass
class Child:
    """A process that has said that it is ready."""

    process: subprocess.Popen[bytes]
    log: Path
    address: str = ""

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=40)

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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

    def cli(self, *arguments: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "voicewright.cli.main", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture(scope="session")
def collector() -> Iterator[OtlpCollector]:
    """Where traces of the local stack and of its commands go."""
    with OtlpCollector() as collector:
        yield collector


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: OtlpCollector) -> Iterator[LocalStack]:
    """One for all tests, with everything on that an operator would switch on."""
    data = tmp_path_factory.mktemp("stack")
    command = [sys.executable, "-m", "voicewright.cli.main", "dev", "--free-ports", "--data", str(data)]
    metrics_port = free_port()
    operated = {
        "VOICEWRIGHT_OTLP_ENDPOINT": collector.url,
        "VOICEWRIGHT_METRICS_PORT": str(metrics_port),
        "VOICEWRIGHT_LOG_FORMAT": "json",
    }
    child = start(command, data / "dev.log", "Voicewright is up", operated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICEWRIGHT_DATA_DIR", str(data))
        settings = Settings()
    yield LocalStack(child, data, settings, collector.url, metrics_port)
    assert child.stop() == 0


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the clinic's agent."""
    log = tmp_path_factory.mktemp("clinic") / "clinic.log"
    child = start([sys.executable, "-u", "-m", "examples.clinic.agent", "--port", "0"], log, "answers at")
    yield child.text().split("answers at ", 1)[1].split()[0]
    child.stop()


@pytest.fixture(scope="session")
def calibration_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an agent that answers 800 ms after the caller's last sound."""
    log = tmp_path_factory.mktemp("calibration") / "agent.log"
    child = start([sys.executable, "-u", "-m", "examples.calibration.agent"], log, "/media")
    yield next(line for line in child.text().splitlines() if line.startswith("ws://"))
    child.stop()
