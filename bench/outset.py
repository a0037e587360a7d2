"""How every bench starts: what is not there that it needs is said in one line, with exit status 2."""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from activities.errors import InstallationError
from voicewright.client.connect import UnreachableError
from voicewright.running_stack import STACK_FILE, default_data_dir
from voicewright.runtime.exit import ExitCode, leave
from voicewright.store.errors import StoreError
from workers.processes import StackError


def start(main: Callable[[], int] | Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a bench, and leave with its status."""
    try:
        made = main()
        status = asyncio.run(made) if inspect.iscoroutine(made) else made
    except (UnreachableError, StoreError, StackError, InstallationError) as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        leave(ExitCode.BAD_INPUT)
    assert isinstance(status, int)
    leave(status)


def local_processes() -> dict[str, int]:
    """Process ids of the local stack of this folder.

    Raises:
        UnreachableError: there is none.
    """
    file = default_data_dir() / STACK_FILE
    if not file.exists():
        raise UnreachableError(f"no local stack of this folder is up ({file}): start one with `voicewright dev`")
    processes: dict[str, int] = json.loads(file.read_text())["processes"]
    return processes
