"""What all tests share: their groups, one real local stack, agents to call, and the way out of the process."""

import sys
from collections.abc import Iterator
from types import ModuleType

import caller
import pytest
from far_ends import SipFarEnd
from groups import GROUPS, GroupError, group_of
from local_stack import Child, LocalStack, start
from standins.otlp_collector import OtlpCollector
from temporalio.worker._workflow import _InterruptDeadlockError

from activities.audio.pcm import Audio
from voicewright.runtime.exit import leave
from voicewright.runtime.free_port import free_port
from voicewright.settings import Settings

pytest_plugins = ["browsing", "databases", "servers"]


def pytest_configure(config: pytest.Config) -> None:
    for name, means in GROUPS.items():
        config.addinivalue_line("markers", f"{name}: {means}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Temporal interrupts the thread of a workflow that is not scheduled for two seconds, and tries the task again.

    On a busy machine that exception may arrive while Python runs a callback that cannot raise, as Hypothesis's of the
    garbage collector. Nothing is lost then, and it says nothing of the test that happens to run.
    """
    others = sys.unraisablehook

    def unraisable(what: "sys.UnraisableHookArgs") -> None:
        if not isinstance(what.exc_value, _InterruptDeadlockError):
            others(what)

    sys.unraisablehook = unraisable


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before `-m` selects by them, every test gets the mark of its group, and of no other."""
    refused: dict[str, str] = {}
    for item in items:
        assert isinstance(item, pytest.Function)
        imported = {
            value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
            for value in vars(item.module).values()
        }
        marked = {mark.name for mark in item.iter_markers()}
        try:
            group = group_of(marked, item.fixturenames, imported)
        except GroupError as error:
            refused[item.nodeid] = str(error)
            continue
        if group not in marked:
            item.add_marker(group)
    if refused:
        raise pytest.UsageError("\n".join(f"{test} {why}" for test, why in refused.items()))


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
    metrics_port = free_port(row=PROCESSES)
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


@pytest.fixture(scope="session")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SipFarEnd]:
    """Its twin for calls by SIP."""
    log = tmp_path_factory.mktemp("sip") / "far.log"
    child = start([sys.executable, "-u", "-m", "examples.calibration.sip_agent"], log, "sip:")
    yield SipFarEnd(child)
    child.stop()


@pytest.fixture(scope="session")
def speech() -> Audio:
    """What a caller says, ending on a loud sample."""
    return caller.utterance()
