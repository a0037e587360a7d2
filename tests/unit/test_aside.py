"""Work of a calls worker in another process: its results, its errors, and its death."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from activities.call.host.aside import Aside
from activities.errors import BadInputError


def twice(samples: "np.typing.NDArray[np.int16]") -> tuple[int, "np.typing.NDArray[np.int16]"]:
    return os.getpid(), samples * 2


def refuse(word: str) -> None:
    raise BadInputError(f"not {word}")


def die_here_alone(pid: int) -> int:
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def chatter(word: str) -> str:
    print(word)  # noqa: T201 - what is tried
    return word


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process finds this module."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.aclose()


async def test_it_computes_in_another_process(aside: Aside) -> None:
    sound = np.arange(400_000, dtype=np.int16)
    pid, doubled = await aside(twice, sound)
    assert pid != os.getpid()
    assert np.array_equal(doubled, sound * 2)
    assert (await aside(twice, sound))[0] == pid


async def test_what_the_work_raises_is_raised_here(aside: Aside) -> None:
    with pytest.raises(BadInputError, match="not so"):
        await aside(refuse, "so")
    assert await aside(chatter, "still here") == "still here"


async def test_work_that_is_not_known_there_is_an_error(aside: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH")
    with pytest.raises(ModuleNotFoundError):
        await aside(twice, np.ones(1, np.int16))


async def test_work_that_kills_the_process_is_done_here(aside: Aside) -> None:
    """A call that was held must not be lost over its measuring."""
    await aside(chatter, "it is up")
    assert await aside(die_here_alone, os.getpid()) == os.getpid()
    assert (await aside(twice, np.ones(1, np.int16)))[0] != os.getpid()


async def test_who_gives_up_takes_nobodys_answer_along(aside: Aside) -> None:
    await aside(chatter, "it is up")
    given_up = asyncio.create_task(aside(chatter, "first"))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert await asyncio.gather(*(aside(chatter, str(n)) for n in range(20))) == [str(n) for n in range(20)]


async def test_it_ends_with_its_worker() -> None:
    aside = Aside()
    pid, _ = await aside(twice, np.ones(1, np.int16))
    await aside.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
