"""What is left when a process that holds calls is killed: the SIP stack's, or the worker's."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import psutil
from far_end import Bounds, far_end, hold, questions
from tqdm import tqdm

from activities.call.held import Held
from activities.channels.sip.dialler import SipDialler
from activities.errors import LineDiedError, StepError
from voicewright.client import Voicewright
from voicewright.contracts.run import RunRequest
from voicewright.report.results import case_results
from voicewright.runtime.free_port import free_port
from voicewright.store.s3 import S3Store
from voicewright.suite.format.agent import SipTarget
from voicewright.suite.library import push
from voicewright.suite.reading.file import parse_suite
from workers.local import Ports, Stack, running_stack

ROUNDS, AT_ONCE = 10, 20
SIP_PROCESS = "activities.channels.sip.process.stack"
SUITE = """\
suite: killed
agent: {{channel: sip, uri: "{uri}"}}
defaults: {{repeats: {repeats}}}
max_parallel: {repeats}
cases:
  - id: long
    turns:
      - expect: {{within_ms: 9000}}
      - silence_s: 100  # the agent has greeted, and waits for us
"""


async def kill(bounds: Bounds) -> None:
    """The SIP process is killed in a call, again and again: does anything stay?"""
    rounds = 200
    print(f"\nkill: the SIP process, in {rounds} calls")
    async with far_end("sip_agent", "sip:") as far:
        dialler = SipDialler()
        target = SipTarget(channel="sip", uri=far.address)
        outcomes: dict[str, int] = {}
        first: tuple[int, int, int] | None = None
        for number in tqdm(range(rounds)):
            holding = asyncio.create_task(hold(dialler, target, questions(1)))
            process = None
            while process is None or not process._lines:
                await asyncio.sleep(0.01)
                process = dialler._processes.get(("127.0.0.1", False))
                process = None if process is not None and process.dead else process
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            outcome = await _outcome(holding)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            await asyncio.gather(*process._goodbyes)
            if number == 9:
                first = _held_by_us()
        await asyncio.sleep(1)
        last = _held_by_us()
        await dialler.close()
        assert first is not None
        growth = tuple(b - a for a, b in zip(first, last, strict=True))
        ended = sum(call["ended_by"] == "caller" for call in far.ended)
    print(f"  outcomes {outcomes}   {bounds.check('kill: outcomes', holds=outcomes == {'LineDiedError': rounds})}")
    print(f"  far ends hung up {ended} of {rounds}   {bounds.check('kill: far end', holds=ended == rounds)}")
    print(f"  grown: files {growth[0]}, processes {growth[1]}, sockets {growth[2]}   ", end="")
    print(bounds.check("kill: leaks", holds=max(growth) <= 2))


async def _outcome(holding: Awaitable[Held]) -> str:
    try:
        await holding
    except LineDiedError:
        return "LineDiedError"
    except StepError as error:
        return type(error).__name__
    return "held"


def _held_by_us() -> tuple[int, int, int]:
    """Open files, child processes, sockets."""
    own = psutil.Process()
    return own.num_fds(), len(own.children(recursive=True)), len(own.net_connections("all"))


async def worker(bounds: Bounds) -> None:
    """The calls worker is killed in 20 calls at once, ten times; each call is a case of a run."""
    print(f"\nworker: the calls worker, in {AT_ONCE} calls at once, {ROUNDS} times")
    reasons: dict[str, int] = {}
    held: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        ports = Ports(*(free_port() for _ in range(4)))
        async with far_end("sip_agent", "sip:") as far, running_stack(Path(folder), ports) as stack:
            raw = SUITE.format(uri=far.address, repeats=AT_ONCE).encode()
            store, voicewright = S3Store(stack.settings), await Voicewright.connect(stack.settings)
            push(store, parse_suite(raw, "killed"), raw)
            for _ in tqdm(range(ROUNDS)):
                run_id = await voicewright.start(RunRequest(suite="killed"))
                while far.live < AT_ONCE:  # noqa: ASYNC110 - it is told by another process
                    await asyncio.sleep(0.1)
                await asyncio.sleep(1)
                os.kill(stack.processes.pids["calls"], signal.SIGKILL)
                async for progress in voicewright.watch(run_id):
                    if progress.finished:
                        break
                for result in case_results(store, run_id):
                    kind = f"{result.outcome}, {result.error.kind if result.error else '-'}"
                    reasons[kind] = reasons.get(kind, 0) + 1
                await asyncio.sleep(2)
                held.append(_held_by(stack))
            calls, hung_up = len(far.ended), sum(call["ended_by"] == "caller" for call in far.ended)
    total = ROUNDS * AT_ONCE
    print(f"  cases {reasons}   {bounds.check('worker: cases', holds=reasons == {'errored, CallLostError': total})}")
    print(f"  calls {calls}, hung up {hung_up} of {total}   ", end="")
    print(bounds.check("worker: far end", holds=calls == hung_up == total))
    grown = tuple(last - first for first, last in zip(held[0], held[-1], strict=True))
    print(f"  grown since the first: processes {grown[0]}, sockets {grown[1]}   ", end="")
    print(bounds.check("worker: leaks", holds=max(grown) <= 2))


def _held_by(stack: Stack) -> tuple[int, int]:
    """Processes and sockets of the calls worker and of SIP processes, those that were left behind included."""
    worker = psutil.Process(stack.processes.pids["calls"])
    ours = {worker, *worker.children(recursive=True)}
    ours |= {process for process in psutil.process_iter() if SIP_PROCESS in _command(process)}
    return len(ours), sum(len(process.net_connections("all")) for process in ours)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
