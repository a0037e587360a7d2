"""Real SIP calls through the supervised process against a far end of another make, whose timing is known exactly."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from local_stack import Child, start

from activities.audio import Audio
from activities.errors import CallRefusedError, LineBusyError, LineDiedError, LineError, NoAnswerError
from activities.speech.level import trim_silence
from activities.speech.piper import PiperEngine
from activities.telephony.conversation import Conversation, Held
from activities.telephony.dtmf import find_keys
from activities.telephony.script import Awaits, Planned, PlannedTurn
from activities.telephony.sip import SipDialler
from activities.telephony.timeline import events, measure
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.agent import SipTarget
from voicewright.call import CallEnd
from voicewright.settings import Settings
from voicewright.suite import Limits

DETECTORS = Detectors()
NEAR_MS = 40
"""Tests share their machine with others, and a stack that is kept waiting falls a frame behind; `bench/calls.py` holds
the same figures to 20 ms on one that is not."""
GREETED = PlannedTurn(0, None, judged=True)


class FarEnd:
    """The calibration agent, and what it says of calls that are over."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.uri = next(line for line in child.text().splitlines() if line.startswith("sip:"))

    def at(self, user: str = "agent", **parameters: Any) -> SipTarget:
        host = self.uri.split("@")[1]
        tail = "".join(f";{name}={value}" for name, value in parameters.items())
        return SipTarget(channel="sip", uri=f"sip:{user}@{host}{tail}", ring_s=2)

    def ended(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._child.text().splitlines() if line.startswith("{")]
        return [line for line in lines if "call_id" in line]

    def live(self) -> int:
        lines = [line for line in self._child.text().splitlines() if line.startswith('{"live"')]
        return int(json.loads(lines[-1])["live"]) if lines else 0

    async def last(self, count: int) -> dict[str, Any]:
        for _ in range(200):
            if len(ended := self.ended()) >= count:
                return ended[-1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(self.ended())} calls ended, not {count}")


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    log = tmp_path_factory.mktemp("sip") / "far.log"
    child = start([sys.executable, "-u", "-m", "examples.calibration.sip_agent"], log, "sip:")
    yield FarEnd(child)
    child.stop()


@pytest.fixture(scope="module")
async def dialler() -> AsyncIterator[SipDialler]:
    made = SipDialler()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def speech() -> Audio:
    settings = Settings()
    spoken = PiperEngine(settings.piper_voice, settings.models_dir).speak("Good morning, anybody there?", "en", None, 1)
    samples = trim_silence(spoken).at_rate(8000).samples
    return Audio(samples[: (np.flatnonzero(np.abs(samples) > 4000)[-1] + 1) // 160 * 160], 8000)


async def hold(dialler: SipDialler, target: SipTarget, script: list[Planned], limits: Limits | None = None) -> Held:
    line = await dialler.dial(target, call_id="test")
    with DETECTORS.borrow(line.rate_hz) as detector:
        activity = VoiceActivity(detector, line.rate_hz)
        return await Conversation(line, limits or Limits(answer_ms=3000, call_s=30), activity).hold(script)


async def test_time_to_first_audio_is_right(far: FarEnd, dialler: SipDialler, speech: Audio) -> None:
    script: list[Planned] = [GREETED, *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2))]
    held = await hold(dialler, far.at(delay_ms=700), script)
    assert held.end is CallEnd.COMPLETED
    for timing in measure(held)[0][1:]:
        assert timing.ttfa_ms is not None
        assert abs(timing.ttfa_ms - 700) <= NEAR_MS
    assert held.stats is not None
    assert held.stats.codec == "PCMU"
    assert held.stats.lost == 0
    said = await far.last(len(far.ended()))
    assert said["rtp_lost"] == 0


async def test_interruption_stop_time_is_right(far: FarEnd, dialler: SipDialler, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=False, interrupt_ms=1200)
    held = await hold(dialler, far.at(delay_ms=500, stop_ms=330, long=1), [greeting, cut])
    timing = measure(held)[0][1]
    assert timing.interrupts
    assert timing.stop_ms is not None
    # The utterance's first frames may still be too quiet for the far end.
    loud = int(np.flatnonzero(np.abs(speech.samples) > 600)[0]) / 8
    assert abs(timing.stop_ms - 330 - loud // 20 * 20) <= NEAR_MS


async def test_an_agent_that_talks_on_is_measured_too(far: FarEnd, dialler: SipDialler, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=True, interrupt_ms=800)
    held = await hold(dialler, far.at(delay_ms=300, ignore=1, long=1), [greeting, cut], Limits(call_s=6))
    assert held.end is CallEnd.TOO_LONG
    timing = measure(held)[0][1]
    assert timing.stop_ms is not None
    assert timing.stop_ms > 3000


async def test_the_timeline_stays_true_when_packets_are_lost(far: FarEnd, dialler: SipDialler, speech: Audio) -> None:
    script = [GREETED, *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2, 3))]
    held = await hold(dialler, far.at(delay_ms=600, loss=0.1, seed=3), script, Limits(end_of_turn_ms=1200))
    onsets = [timing.ttfa_ms for timing in measure(held)[0][1:]]
    # The packet with the onset may itself be lost: then the first sound is that of the next.
    assert all(onset is not None and -20 <= onset - 600 <= 40 + NEAR_MS for onset in onsets), onsets
    assert sum(onset is not None and abs(onset - 600) <= NEAR_MS for onset in onsets) >= 2, onsets
    assert held.stats is not None
    assert 0.05 < held.stats.lost / (held.stats.lost + held.stats.received) < 0.17


async def test_sound_arrives_as_mu_law_leaves_it(far: FarEnd, dialler: SipDialler, speech: Audio) -> None:
    held = await hold(dialler, far.at("echo"), [PlannedTurn(0, speech.samples, judged=True)])
    sent, back = speech.samples.astype(float), held.agent.astype(float)
    lag = int(np.argmax(np.correlate(back, sent, "valid")))
    noise = back[lag : lag + len(sent)] - sent
    assert (
        10 * np.log10(np.sum(sent**2) / np.sum(noise**2)) > 34
    )  # what one G.711 coding leaves, and nothing is missing


async def test_keys_both_ways(far: FarEnd, dialler: SipDialler) -> None:
    script: list[Planned] = [PlannedTurn(0, None, judged=False, keys="12#", silence_ms=1500)]
    held = await hold(dialler, far.at(silent=1, dtmf_echo=1), script)
    assert "".join(event.value for event in events(held) if event.kind == "key") == "12#"
    assert (await far.last(len(far.ended())))["keys"] == "12#"


async def test_an_agent_that_only_presses_keys_has_answered(far: FarEnd, dialler: SipDialler) -> None:
    for sign in ("keys", "tones"):
        target = far.at(silent=1, **{sign: "42"})
        held = await hold(dialler, target, [PlannedTurn(0, None, judged=True, awaits=Awaits.KEYS)])
        assert held.end is CallEnd.COMPLETED, held.end_detail
        by_event = "".join(event.value for event in events(held) if event.kind == "key")
        assert (by_event or "".join(press.key for press in find_keys(held.agent, 8000))) == "42"


async def test_an_order_that_is_taken_back_leaves_no_call(far: FarEnd, dialler: SipDialler) -> None:
    before = len(far.ended())
    for wait_s in (0.0, 0.001, 0.005, 0.02):
        dialling = asyncio.create_task(dialler.dial(far.at(), call_id="x"))
        await asyncio.sleep(wait_s)
        dialling.cancel()
        [line] = await asyncio.gather(dialling, return_exceptions=True)
        if not isinstance(line, BaseException):
            await line.hang_up()  # it was quicker
    for _ in range(250):
        if not far.live():
            break
        await asyncio.sleep(0.02)
    assert far.live() == 0
    assert all(call["ended_by"] in {"caller", "cancelled"} for call in far.ended()[before:])


async def test_the_agent_hangs_up(far: FarEnd, dialler: SipDialler) -> None:
    held = await hold(dialler, far.at(hangup_ms=2500), [PlannedTurn(0, None, judged=True, awaits=Awaits.HANGUP)])
    assert held.end is CallEnd.AGENT_HUNG_UP


async def test_the_agent_transfers(far: FarEnd, dialler: SipDialler) -> None:
    target = far.at(refer="sip:desk@example.com")
    held = await hold(dialler, target, [PlannedTurn(0, None, judged=True, awaits=Awaits.TRANSFER)])
    assert held.end is CallEnd.TRANSFERRED
    assert [event.value for event in events(held) if event.kind == "transfer"] == ["sip:desk@example.com"]


async def test_headers_and_the_callers_address(far: FarEnd, dialler: SipDialler, monkeypatch: Any) -> None:
    monkeypatch.setenv("VOICEWRIGHT_SECRET_T", "blue")
    before = len(far.ended())
    target = SipTarget.model_validate(
        {**far.at().model_dump(by_alias=True), "headers": {"X-Tenant": "${secret:T}"}, "caller": "sip:qa@lab.example"}
    )
    await hold(dialler, target, [GREETED])
    assert (await far.last(before + 1))["headers"] == {"X-Tenant": "blue"}


@pytest.mark.parametrize(
    ("user", "error"),
    [
        ("busy", LineBusyError),
        ("declined", CallRefusedError),
        ("missing", CallRefusedError),
        ("unavailable", NoAnswerError),
        ("broken", LineError),
        ("ringing", NoAnswerError),
    ],
)
async def test_refusals_are_typed(far: FarEnd, dialler: SipDialler, user: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        await dialler.dial(far.at(user), call_id="test")
    assert type(refused.value) is error
    assert f"{user}@" in str(refused.value)


async def test_nobody_there(dialler: SipDialler) -> None:
    with pytest.raises(LineError, match="is it running"):
        await dialler.dial(SipTarget(channel="sip", uri="sip:agent@127.0.0.1:9", ring_s=2), call_id="test")


async def test_a_call_with_progress_is_answered(far: FarEnd, dialler: SipDialler) -> None:
    assert (await hold(dialler, far.at("progress"), [GREETED])).end is CallEnd.COMPLETED


async def test_a_dead_process_breaks_its_calls_and_no_others(far: FarEnd, speech: Audio) -> None:
    """SIGKILL in a call: the case knows, the agent is told by BYE, and the next call works."""
    dialler = SipDialler()
    before = len(far.ended())
    holding = asyncio.create_task(hold(dialler, far.at(long=1), [PlannedTurn(0, speech.samples, judged=True)]))
    await asyncio.sleep(3)
    process = dialler._processes["127.0.0.1"]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(LineDiedError, match="process"):
        await holding
    assert (await far.last(before + 1))["ended_by"] == "caller"
    assert (await hold(dialler, far.at(), [GREETED])).end is CallEnd.COMPLETED
    await dialler.close()


async def test_a_dead_worker_leaves_nobody_on_the_line(far: FarEnd, tmp_path: Path) -> None:
    """The worker is killed; its SIP process hangs up and ends by itself."""
    before = len(far.ended())
    script = tmp_path / "worker.py"
    script.write_text(
        "import asyncio, sys\n"
        "from activities.telephony.sip import SipDialler\n"
        "from voicewright.agent import SipTarget\n"
        "async def main():\n"
        "    dialler = SipDialler()\n"
        "    await dialler.dial(SipTarget(channel='sip', uri=sys.argv[1]), call_id='x')\n"
        "    print('pid', dialler._processes['127.0.0.1'].pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    worker = start([sys.executable, "-u", str(script), far.at().uri], tmp_path / "worker.log", "pid ")
    pid = int(next(line for line in worker.text().splitlines() if line.startswith("pid ")).split()[1])
    worker.process.kill()
    worker.process.wait()
    assert (await far.last(before + 1))["ended_by"] == "caller"
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            break
        await asyncio.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
