"""The command's root, and how its commands run async code and end."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import typer
from pydantic import ValidationError
from temporalio.service import RPCError

from voicewright import __version__
from voicewright.cli.console import fail, out
from voicewright.client import (
    CursorError,
    NotFoundError,
    ReviewRefusedError,
    RunFailedError,
    ScheduleError,
    UnansweredError,
)
from voicewright.client.connect import UnreachableError
from voicewright.defects.log import UnknownDefectError
from voicewright.report.results import NoReportError
from voicewright.runtime.encryption import SealedError
from voicewright.runtime.exit import ExitCode
from voicewright.runtime.traces import TracingError, flush
from voicewright.store.errors import StoreError
from voicewright.suite.quarantine import QuarantineError
from voicewright.suite.reading.file import SuiteError

P = ParamSpec("P")
_BAD_INPUT = (
    CursorError,
    NoReportError,
    NotFoundError,
    QuarantineError,
    ReviewRefusedError,
    RunFailedError,
    ScheduleError,
    UnknownDefectError,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Test voice AI agents: real calls, real speech, durable runs on Temporal.\n\n"
    "Start with `voicewright demo`. Or run `voicewright dev` in one terminal and "
    "`voicewright run suite.yaml` in another.",
    epilog="Exit codes of `run`: 0 all cases passed, 1 a case failed, 2 bad input, 3 a case could not be tested, "
    "4 reviews are still pending.",
)


def _version(*, shown: bool) -> None:
    if shown:
        out.print(f"voicewright {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: bool = typer.Option(
        False, "--version", callback=lambda v: _version(shown=v), is_eager=True, help="Print the version."
    ),
) -> None:
    """Options of every command."""


def command(work: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run an async command and end with its exit code. An error that users can fix is one line, not a traceback."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(work(*args, **kwargs))
        except SuiteError as error:
            for problem in error.problems:
                fail(problem.at(error.name))
            code = ExitCode.BAD_INPUT
        except _BAD_INPUT as error:
            fail(str(error))
            code = ExitCode.BAD_INPUT
        except (SealedError, TracingError, UnansweredError, UnreachableError, StoreError) as error:
            fail(str(error))
            code = ExitCode.ERRORED
        except RPCError as error:
            fail(f"Temporal refused the request or is down: {error.message}. Run `voicewright doctor` to find out more")
            code = ExitCode.ERRORED
        except (ValidationError, OSError) as error:
            fail(str(error))
            code = ExitCode.BAD_INPUT
        finally:
            flush()
        raise typer.Exit(code)

    return run
