"""Time that the machine took: never the agent's fault, and no excuse for more than it took."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
from test_gate import CASE, SUITE, call

from activities.call.host.agent_process import process_at
from activities.call.host.machine import Waits, is_here, waited_ms, watched
from activities.checks.conversation import conversation_checks
from activities.checks.decide import decide
from activities.checks.measurement.measuring import limit_checks, measurements
from activities.checks.recorded_call import Call
from voicewright.contracts.check import Check, CheckKind, CheckOutcome, DoubtKind
from voicewright.contracts.verdict import Decision
from voicewright.suite import Suite
from voicewright.suite.format.spoken import spoken


def answered(ttfa_ms: int, busy_ms: int) -> Call:
    held = call(ttfa_ms=ttfa_ms)
    turns = tuple(timing.model_copy(update={"busy_ms": busy_ms}) for timing in held.record.turns)
    return Call(held.record.model_copy(update={"turns": turns}), held.caller, held.agent, held.transcript)


@pytest.mark.parametrize(
    ("ttfa_ms", "busy_ms", "outcome"),
    [
        (900, 900, CheckOutcome.PASSED),
        (1100, 0, CheckOutcome.FAILED),
        (1100, 99, CheckOutcome.FAILED),
        (1100, 100, CheckOutcome.UNSURE),
        (1900, 901, CheckOutcome.UNSURE),
        (4000, 2900, CheckOutcome.FAILED),
    ],
)
def test_a_late_answer_is_excused_by_as_much_as_work_waited(ttfa_ms: int, busy_ms: int, outcome: CheckOutcome) -> None:
    checks = conversation_checks(SUITE, CASE, answered(ttfa_ms, busy_ms).record)
    [check] = [check for check in checks if check.kind is CheckKind.WITHIN_MS]
    assert check.outcome is outcome
    assert (check.doubt is not None) == (outcome is CheckOutcome.UNSURE)


@pytest.mark.parametrize(
    ("busy_ms", "outcome"), [(0, CheckOutcome.FAILED), (300, CheckOutcome.FAILED), (600, CheckOutcome.UNSURE)]
)
def test_so_is_the_latency_of_a_whole_call(busy_ms: int, outcome: CheckOutcome) -> None:
    suite = Suite.model_validate({**SUITE.model_dump(by_alias=True), "limits": {"latency_p95_ms": 1000}})
    held = answered(1500, busy_ms)
    measured = measurements(suite, spoken(CASE, "en"), "en", held)
    [check] = [
        check
        for check in limit_checks(suite, spoken(CASE, "en"), "en", held, measured)
        if check.kind is CheckKind.LATENCY_P95_MS
    ]
    assert check.outcome is outcome


def test_a_case_with_no_other_doubt_is_errored() -> None:
    """Nobody can tell by listening; with another doubt a person listens anyway, and a fault stays one."""
    checks = conversation_checks(SUITE, CASE, answered(1100, 200).record)
    [late] = [check for check in checks if check.kind is CheckKind.WITHIN_MS]
    assert late.doubt is not None
    assert late.doubt.kind is DoubtKind.BUSY_MACHINE
    unsure, wrong = (
        Check(kind=kind, turn=0, outcome=outcome, hard=False, expected="", actual="", evidence="e", confidence=0.5)
        for kind, outcome in [(CheckKind.MEANING, CheckOutcome.UNSURE), (CheckKind.MEANING, CheckOutcome.FAILED)]
    )
    assert decide([late], "rules").decision is Decision.INVALID
    assert "processor" in decide([late], "rules").reason
    assert decide([late, unsure], "rules").decision is Decision.REVIEW
    assert decide([late, wrong], "rules").decision is Decision.FAIL


def test_waits_are_counted_within_a_stretch() -> None:
    waits = Waits()
    for at_s, so_far in [(10.0, 500.0), (10.1, 550.0), (10.2, 600.0), (10.3, 600.0)]:
        waits.note(at_s, so_far)
    assert waits.between(10.0, 10.2) == 100
    assert waits.between(10.05, 10.15) == 100  # as far as it is known
    assert waits.between(10.2, 10.3) == 0
    assert waits.between(10.0, 10.01) == 10  # no longer than it lasted
    assert waits.between(10.3, 10.2) == 0
    assert Waits().between(0, 1) == 0


def test_pressure_is_read_as_linux_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "cpu"
    file.write_text("some avg10=0.34 avg60=1.94 avg300=1.97 total=10295694\nfull avg10=0.00 avg60=0.00 total=0\n")
    assert waited_ms(file) == pytest.approx(10295.694)
    file.write_text("something else\n")
    assert waited_ms(file) is None
    assert waited_ms(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("ws://127.0.0.1:9/media", True),
        ("ws://localhost:9/media", True),
        ("sip:agent@[::1]:5060", True),
        ("sip:agent@127.0.0.1", True),
        ("wss://agent.example.com/media", False),
        ("sip:agent@192.0.2.1", False),
        ("+14155550100", False),
    ],
)
def test_an_agent_is_here_or_not(address: str, here: bool) -> None:
    assert is_here(address) is here


BUSY = "import socket, sys, time; s = socket.socket(socket.AF_INET, {kind}); s.bind(('127.0.0.1', 0)); {listen}"
BUSY += "print(s.getsockname()[1], flush=True); sys.stdin.readline(); {work}"


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def listening(kind: str, work: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that listens at a port, and does its work once it is sent a line."""
    listen = "s.listen();" if kind == "socket.SOCK_STREAM" else ""
    with running(BUSY.format(kind=kind, listen=listen, work=work)) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


@pytest.mark.parametrize("kind", ["socket.SOCK_STREAM", "socket.SOCK_DGRAM"])
def test_an_agent_is_found_by_its_port(kind: str) -> None:
    with listening(kind, "") as (process, port):
        datagrams = kind == "socket.SOCK_DGRAM"
        assert process_at(port, datagrams=datagrams) == process.pid
        assert process_at(port, datagrams=not datagrams) != process.pid


async def test_a_slow_agent_has_no_excuse_and_one_that_shares_a_processor_has() -> None:
    waited: dict[str, int] = {}
    processor = min(os.sched_getaffinity(0))
    with running("while True: pass") as rival:
        os.sched_setaffinity(rival.pid, {processor})
        for name, work in {"sleeps": "time.sleep(9)", "works": "\nwhile True: pass"}.items():
            with listening("socket.SOCK_STREAM", work) as (process, port):
                os.sched_setaffinity(process.pid, {processor})
                assert process.stdin is not None
                async with watched(f"ws://127.0.0.1:{port}/media") as waits:
                    await asyncio.sleep(0.3)
                    process.stdin.write("\n")
                    process.stdin.flush()
                    told_s = time.monotonic()
                    await asyncio.sleep(2.5)
            waited[name] = waits.between(told_s + 0.5, told_s + 2.5)
    assert waited["sleeps"] < 100
    assert waited["works"] > 500


async def test_an_agent_elsewhere_is_not_watched() -> None:
    async with watched("ws://192.0.2.1/media") as elsewhere:
        await asyncio.sleep(0.15)
    assert not elsewhere.at_s
