"""The example agents as processes, for benches."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def clinic(name: str = "clinic") -> AsyncIterator[tuple[str, Process]]:
    """An example's address, and its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"examples.{name}.agent", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().split()[-1]
    try:
        yield address, process
    finally:
        process.terminate()
        await process.wait()
