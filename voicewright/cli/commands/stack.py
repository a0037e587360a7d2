"""`voicewright dev` and `voicewright demo`: the whole stack on this machine, without account or download."""

import asyncio
import contextlib
import importlib.util
import os
import shlex
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from rich.markup import escape

from voicewright.cli.app import app, command
from voicewright.cli.commands.run import run_and_report
from voicewright.cli.console import err, fail, out
from voicewright.contracts.case import Outcome
from voicewright.contracts.check import DoubtKind
from voicewright.contracts.run import RunRequest
from voicewright.report.results import RunReport, read_report
from voicewright.running_stack import default_data_dir
from voicewright.runtime.exit import ExitCode
from voicewright.runtime.free_port import free_port
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

_DATA = typer.Option(None, "--data", help="Folder for data and logs. Default: VOICEWRIGHT_DATA_DIR, or .voicewright.")
_START_S = 90.0
_DEMO_BUGS = "wrong_time,mumbles"
_CALLS_PER_CORE = 2
"""The agent thinks on the same cores as its tester: with more calls at once it would be late, and blamed for it."""


@app.command()
def dev(
    data: Path | None = _DATA,
    temporal_port: int = typer.Option(7233, help="Temporal's port."),
    ui_port: int = typer.Option(8233, help="Port of the Temporal UI."),
    s3_port: int = typer.Option(9000, help="Port of the S3 server."),
    web_port: int = typer.Option(8080, help="Port of the web app."),
    free_ports: bool = typer.Option(False, "--free-ports", help="Use any free ports instead."),
) -> None:
    """Start the whole stack on this machine: Temporal with its UI, an S3 server, all workers, the web app.

    Commands in the same folder find it automatically. With --data, set VOICEWRIGHT_DATA_DIR to that folder for them.
    Ctrl-C stops it. The data stays: when it starts again, runs and reviews continue.
    """
    _need_workers()
    arguments = ["--data", str(data or default_data_dir()), "--temporal-port", str(temporal_port)]
    arguments += [
        "--ui-port",
        str(ui_port),
        "--s3-port",
        str(s3_port),
        "--web-port",
        str(web_port),
        *(["--free-ports"] if free_ports else []),
    ]
    # This process becomes the stack: signals, exit status and terminal are its own.
    os.execv(sys.executable, [sys.executable, "-m", "workers.local", *arguments])  # noqa: S606


@app.command()
@command
async def demo(
    data: Path | None = _DATA,
    bugs: str = typer.Option(_DEMO_BUGS, help="Bugs to switch on in the clinic's agent, separated by commas."),
    keep: bool | None = typer.Option(
        None, "--keep/--no-keep", help="Keep everything running afterwards. Default: only in a terminal."
    ),
) -> int:
    """Run the clinic suite against the clinic's agent with two bugs switched on.

    Shows passed cases, one bug that is found, and one case that waits for your review. Exits 0 if this is the result.
    """
    _need_workers()
    if importlib.util.find_spec("examples.clinic") is None:
        fail("the demo needs the repository; clone Voicewright and run `make demo` there")
        return ExitCode.BAD_INPUT
    folder = (data or default_data_dir()).resolve()
    os.environ["VOICEWRIGHT_DATA_DIR"] = str(folder)
    port = free_port()
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        err.print("starting Temporal, S3, the workers and the clinic's agent ...")
        clinic = [sys.executable, "-m", "examples.clinic.agent", "--port", str(port), "--bugs", bugs]
        local = [sys.executable, "-m", "workers.local", "--data", str(folder), "--free-ports"]
        await asyncio.gather(
            stack.enter_async_context(_process(local, folder / "demo-stack.log", "Voicewright is up")),
            stack.enter_async_context(_process(clinic, folder / "demo-clinic.log", "answers at")),
        )
        settings = Settings()
        err.print(f"up after {time.monotonic() - began:.0f} s; Temporal UI: {settings.temporal_ui_url}")
        out.print(f"bugs switched on in the clinic's agent: [bold]{escape(bugs)}[/]\n")
        suite, raw = load_suite(clinic_suite())
        store = S3Store(settings)
        push(store, suite, raw)
        parallel = min(suite.max_parallel, _CALLS_PER_CORE * (os.cpu_count() or 1))
        request = RunRequest(suite=suite.suite, agent_url=f"ws://127.0.0.1:{port}/media", max_parallel=parallel)
        ran: list[str] = []
        code = await run_and_report(request, settings, started=ran.append)
        unlike = _unlike_announced(read_report(store, ran[0])) if bugs == _DEMO_BUGS and ran else ""
        out.print(f"\nA bug was found: `voicewright run` would exit with {code}." if code == ExitCode.FAILED else "")
        if unlike:
            err.print(f"[yellow]{escape(unlike)}[/]")
        stay = keep if keep is not None else sys.stdin.isatty()
        if stay:
            out.print(
                f"Everything keeps running. Open {settings.temporal_ui_url}, or decide the review in another terminal. "
                "Ctrl-C stops it."
            )
            await _until_told()
        else:
            again = f"voicewright dev --data {shlex.quote(str(data))}" if data else "voicewright dev"
            out.print(
                f"The stack stops now. Nothing is lost: start `{again}`, and the review still waits.", markup=False
            )
    return ExitCode.ERRORED if unlike else ExitCode.PASSED


def _unlike_announced(report: RunReport) -> str:
    """How a demo with its own bugs ended otherwise than it was announced, and why; empty where it did not."""
    failed = [case for case in report.cases if case.outcome is Outcome.FAILED]
    errored = [case for case in report.cases if case.outcome is Outcome.ERRORED]
    if len(failed) == 1 and len(report.pending) == 1 and not errored and not report.not_run:
        return ""
    found = f"{len(failed)} failed, {len(report.pending)} for review, {len(errored)} errored, {report.not_run} not run"
    checks = [check for case in report.cases if case.verdict is not None for check in case.verdict.checks]
    if any(check.doubt is not None and check.doubt.kind is DoubtKind.BUSY_MACHINE for check in checks):
        return f"This machine was too busy for the demo, which has 1 failed and 1 for review: {found}. Try again."
    return f"The demo should have ended with 1 failed and 1 for review: {found}. The reasons are in the table."


def clinic_suite() -> Path:
    """The suite that comes with the example."""
    found = importlib.util.find_spec("examples.clinic")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("suite.yaml")


def _need_workers() -> None:
    if importlib.util.find_spec("workers") is None or importlib.util.find_spec("faster_whisper") is None:
        fail("this installation is a client only; to run a stack here: pip install 'voicewright[local]'")
        raise typer.Exit(ExitCode.BAD_INPUT)


@contextlib.asynccontextmanager
async def _process(command_line: list[str], log: Path, ready: str) -> AsyncIterator[Process]:
    """A child that has printed `ready`; ended in order with the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *command_line, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink, process_group=0
        )
    try:
        deadline = time.monotonic() + _START_S
        while ready not in log.read_text(errors="replace"):
            if process.returncode is not None or time.monotonic() > deadline:
                tail = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
                fail(f"{shlex.join(command_line[1:4])} did not start: {tail} (log: {log})")
                raise typer.Exit(ExitCode.ERRORED)
            await asyncio.sleep(0.2)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
