"""What all tests share: one real local stack, one real clinic, and the way out of the process."""

import sys
from collections.abc import Iterator

import pytest
from local_stack import Child, LocalStack, free_run, start
from standins.otlp_collector import OtlpCollector

from voicewright.leave import leave
from voicewright.settings import Settings


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # With temporalio loaded, interpreter shutdown may crash and replace the status that CI lives by.
    if _STATUS in config.stash:
        leave(config.stash[_STATUS])


_STATUS = pytest.StashKey[int]()
PROCESSES = 5
"""Of the stack; each has a metrics port of its own, from the given one on."""


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
    metrics_port = free_run(PROCESSES)
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
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """An agent that answers 800 ms after the caller's last sound, and tells of each ended call what it really did."""
    log = tmp_path_factory.mktemp("calibration") / "agent.log"
    child = start([sys.executable, "-u", "-m", "examples.calibration.agent"], log, "/media")
    child.address = next(line for line in child.text().splitlines() if line.startswith("ws://"))
    yield child
    child.stop()


@pytest.fixture(scope="session")
def calibration_agent(calibration: Child) -> str:
    """Its address."""
    return calibration.address
