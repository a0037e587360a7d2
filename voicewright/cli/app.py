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
from voicewright.client import NotFoundError, ReviewRefusedError, RunFailedError, ScheduleError, UnansweredError
from voicewright.connect import UnreachableError
from voicewright.defect_log import UnknownDefectError
from voicewright.outcome import ExitCode
from voicewright.report.build import NoReportError
from voicewright.s3 import StoreError
from voicewright.suite_file import SuiteError
from voicewright.traces import TracingError, flush

P = ParamSpec("P")
_BAD_INPUT = (NoReportError, NotFoundError, ReviewRefusedError, RunFailedError, ScheduleError, UnknownDefectError)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Test voice AI agents: real calls, real speech, durable runs on Temporal.\n\n"
    "Start with `voicewright demo`, or: `voicewright dev` in one terminal, "
    "`voicewright run suite.yaml` in another.",
    epilog="Exit codes of `run`: 0 all passed, 1 something failed, 2 bad input, 3 something errored, "
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
    """Run an async command and end with its exit code; trouble that a user can mend is one line, not a traceback."""

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
        except (TracingError, UnansweredError, UnreachableError, StoreError) as error:
            fail(str(error))
            code = ExitCode.ERRORED
        except RPCError as error:
            fail(f"Temporal refused or went away: {error.message}; `voicewright doctor` tells more")
            code = ExitCode.ERRORED
        except (ValidationError, OSError) as error:
            fail(str(error))
            code = ExitCode.BAD_INPUT
        finally:
            flush()
        raise typer.Exit(code)

    return run
