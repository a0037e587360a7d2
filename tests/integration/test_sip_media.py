"""SIP calls in every codec, and encrypted, to an agent that says back what it hears."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import caller
import numpy as np
import pytest
from local_stack import Child, start

from activities.call.script import PlannedTurn
from activities.channels.sip.dialler import SipDialler
from activities.errors import CallRefusedError
from voicewright.runtime.free_port import free_port
from voicewright.suite.format.agent import SipTarget

pytestmark = pytest.mark.calls

ECHO = Path(__file__).parents[1] / "standins" / "sip_echo.py"
Echo = Callable[[str, str], AbstractContextManager[tuple[Child, str]]]


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    @contextmanager
    def run(codecs: str, encryption: str) -> Iterator[tuple[Child, str]]:
        child = start(
            [sys.executable, "-u", str(ECHO), str(free_port(row=2)), codecs, encryption], tmp_path / "log", "sip:agent"
        )
        try:
            yield child, next(line for line in child.text().splitlines() if line.startswith("sip:"))
        finally:
            child.stop()

    return run


@pytest.fixture
async def dialler() -> AsyncIterator[SipDialler]:
    made = SipDialler()
    yield made
    await made.close()


def at(uri: str, **more: object) -> SipTarget:
    return SipTarget.model_validate({"channel": "sip", "uri": uri, "ring_s": 20, **more})


async def likeness(dialler: SipDialler, target: SipTarget) -> tuple[float, str]:
    """How like the caller's words what came back is, 0 to 1, and the codec.

    In the median of parts of 200 ms that are each found for themselves: an echo on a busy machine comes in pieces.
    """
    line = await dialler.dial(target, call_id="test")
    speech = caller.speak("Good morning, anybody there?", line.rate_hz)
    held = await caller.hold(line, [PlannedTurn(0, speech, judged=True)], caller.PATIENT)
    sent, back, size = speech.astype(float), held.agent.astype(float), line.rate_hz // 5
    loud = [
        sent[at : at + size] for at in range(0, len(sent) - size, size) if np.abs(sent[at : at + size]).max() > 2000
    ]
    power = np.sqrt(np.convolve(back**2, np.ones(size), "valid") + size * 100.0)
    alike = [float(np.max(np.correlate(back, part, "valid") / power) / np.sqrt(np.sum(part**2))) for part in loud]
    assert held.stats is not None
    return float(np.median(alike)), held.stats.codec


@pytest.mark.parametrize(
    ("codec", "named", "alike"),
    [("pcmu", "PCMU", 0.99), ("pcma", "PCMA", 0.99), ("g722", "G722", 0.98), ("opus", "opus", 0.9)],
)
async def test_every_codec_carries_speech(
    dialler: SipDialler, echo: Echo, codec: str, named: str, alike: float
) -> None:
    with echo(codec, "off") as (_, uri):
        found, used = await likeness(dialler, at(uri, codecs=[codec]))
    assert used == named
    assert found > alike


async def test_the_agent_chooses_among_the_codecs_that_are_offered(dialler: SipDialler, echo: Echo) -> None:
    with echo("g722", "off") as (_, uri):
        _, used = await likeness(dialler, at(uri, codecs=["pcmu", "opus", "g722"]))
    assert used == "G722"


@pytest.mark.parametrize(("ours", "theirs"), [("required", "srtp-mand"), ("required", "srtp"), ("offered", "srtp")])
async def test_an_encrypted_call(dialler: SipDialler, echo: Echo, ours: str, theirs: str) -> None:
    with echo("pcmu", theirs) as (agent, uri):
        found, _ = await likeness(dialler, at(uri, srtp=ours))
        agreed = agent.text().splitlines()
    assert found > 0.99
    assert sum(line.startswith("a=crypto:") for line in agreed) >= 2, agreed  # a key from either side


async def test_without_encryption_there_is_no_call_where_it_is_required(dialler: SipDialler, echo: Echo) -> None:
    with echo("pcmu", "off") as (_, uri), pytest.raises(CallRefusedError, match="encryption"):
        await likeness(dialler, at(uri, srtp="required"))
    with echo("pcmu", "srtp-mand") as (_, uri), pytest.raises(CallRefusedError, match="encryption"):
        await likeness(dialler, at(uri, srtp="off"))
