"""SIP calls in every codec, and encrypted, to an agent that says back what it hears."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from local_stack import Child, start

from activities.audio import Audio
from activities.errors import CallRefusedError
from activities.speech.level import trim_silence
from activities.speech.piper import PiperEngine
from activities.telephony.conversation import Conversation
from activities.telephony.script import PlannedTurn
from activities.telephony.sip import SipDialler
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.agent import SipTarget
from voicewright.free_port import free_port
from voicewright.settings import Settings
from voicewright.suite import Limits

ECHO = Path(__file__).parents[1] / "standins" / "sip_echo.py"
Echo = Callable[[str, str], AbstractContextManager[tuple[Child, str]]]


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    @contextmanager
    def run(codecs: str, encryption: str) -> Iterator[tuple[Child, str]]:
        child = start(
            [sys.executable, "-u", str(ECHO), str(free_port()), codecs, encryption], tmp_path / "log", "sip:agent"
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


async def likeness(dialler: SipDialler, target: SipTarget) -> tuple[float, str]:
    """How like the caller's words what came back is, 0 to 1, and the codec.

    In the median of parts of 200 ms that are each found for themselves: an echo on a busy machine comes in pieces.
    """
    line = await dialler.dial(target, call_id="test")
    settings = Settings()
    spoken = PiperEngine(settings.piper_voice, settings.models_dir).speak("Good morning, anybody there?", "en", None, 1)
    speech: Audio = trim_silence(spoken).at_rate(line.rate_hz)
    with Detectors().borrow(line.rate_hz) as detector:
        activity = VoiceActivity(detector, line.rate_hz)
        limits = Limits(answer_ms=3000, call_s=20)
        held = await Conversation(line, limits, activity).hold([PlannedTurn(0, speech.samples, judged=True)])
    sent, back, size = speech.samples.astype(float), held.agent.astype(float), line.rate_hz // 5
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
        found, used = await likeness(dialler, SipTarget(channel="sip", uri=uri, ring_s=3, codecs=[codec]))
    assert used == named
    assert found > alike


async def test_the_agent_chooses_among_the_codecs_that_are_offered(dialler: SipDialler, echo: Echo) -> None:
    with echo("g722", "off") as (_, uri):
        _, used = await likeness(dialler, SipTarget(channel="sip", uri=uri, ring_s=3, codecs=["pcmu", "opus", "g722"]))
    assert used == "G722"


@pytest.mark.parametrize(("ours", "theirs"), [("required", "srtp-mand"), ("required", "srtp"), ("offered", "srtp")])
async def test_an_encrypted_call(dialler: SipDialler, echo: Echo, ours: str, theirs: str) -> None:
    with echo("pcmu", theirs) as (agent, uri):
        found, _ = await likeness(dialler, SipTarget(channel="sip", uri=uri, ring_s=3, srtp=ours))
        agreed = agent.text().splitlines()
    assert found > 0.99
    assert sum(line.startswith("a=crypto:") for line in agreed) >= 2, agreed  # a key from either side


async def test_without_encryption_there_is_no_call_where_it_is_required(dialler: SipDialler, echo: Echo) -> None:
    with echo("pcmu", "off") as (_, uri), pytest.raises(CallRefusedError, match="encryption"):
        await likeness(dialler, SipTarget(channel="sip", uri=uri, ring_s=3, srtp="required"))
    with echo("pcmu", "srtp-mand") as (_, uri), pytest.raises(CallRefusedError, match="encryption"):
        await likeness(dialler, SipTarget(channel="sip", uri=uri, ring_s=3, srtp="off"))
