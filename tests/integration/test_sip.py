"""Real SIP calls through the supervised process against a far end of another make, whose timing is known exactly."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import caller
import numpy as np
import pytest
from far_ends import SipFarEnd
from local_stack import start

from activities.audio.dtmf import find_keys
from activities.audio.pcm import FRAME_MS, Audio
from activities.call.held import Held
from activities.call.script import Awaits, Planned, PlannedTurn
from activities.call.timeline import events, measure
from activities.channels.sip.dialler import SipDialler
from activities.errors import CallRefusedError, LineBusyError, LineDiedError, LineError, NoAnswerError
from voicewright.contracts.call import CallEnd
from voicewright.suite import Limits
from voicewright.suite.format.agent import SipTarget

pytestmark = pytest.mark.calls

GREETED = PlannedTurn(0, None, judged=True)
PIECE = 320
"""Samples: two packets."""


@pytest.fixture(scope="module")
async def dialler() -> AsyncIterator[SipDialler]:
    made = SipDialler()
    yield made
    await made.close()


async def hold(dialler: SipDialler, target: SipTarget, script: Sequence[Planned], limits: Limits | None = None) -> Held:
    line = await dialler.dial(target, call_id="test")
    return await caller.hold(line, script, limits)


def snr_db(piece: np.ndarray, heard: np.ndarray) -> float:
    """How much of a piece is in what was heard, where it is most like it."""
    windows = np.lib.stride_tricks.sliding_window_view(heard, len(piece))
    return float(10 * np.log10(np.sum(piece**2) / max(np.min(np.sum((windows - piece) ** 2, axis=1)), 1e-9)))


async def test_time_to_first_audio_is_right(far: SipFarEnd, dialler: SipDialler, speech: Audio) -> None:
    before = len(far.ended())
    script: list[Planned] = [GREETED, *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2, 3))]
    held = await hold(dialler, far.at(delay_ms=700), script)
    assert held.end is CallEnd.COMPLETED
    said = await far.last(before + 1)
    assert min(said["answered_ms"]) >= 699
    answered = zip(measure(held)[0][1:], said["answered_ms"], said["answered_after_ms"], strict=True)
    errors = [caller.off_by(timing.ttfa_ms or 0, due, came) for timing, due, came in answered]
    assert abs(median(errors)) <= FRAME_MS + held.lateness_ms[0], errors
    assert max(map(abs, errors)) <= caller.inexact_ms(held) + said["late_ms"], errors
    assert held.stats is not None
    assert held.stats.codec == "PCMU"
    # What a far end that fell behind left out is missing too; a line that counts by time may take a stall for loss.
    assert held.stats.lost <= said["left_out"] + 0.01 * held.stats.received
    assert said["rtp_lost"] == 0


async def test_interruption_stop_time_is_right(far: SipFarEnd, dialler: SipDialler, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=False, interrupt_ms=1200)
    before = len(far.ended())
    held = await hold(dialler, far.at(delay_ms=500, stop_ms=330, long=1), [greeting, cut])
    said = await far.last(before + 1)
    timing = measure(held)[0][1]
    assert timing.interrupts
    assert timing.stop_ms is not None
    stopped = said["stopped_ms"][0]
    assert stopped >= 329
    wanted = stopped + caller.until_loud_ms(speech.samples)
    assert abs(timing.stop_ms - wanted) <= caller.inexact_ms(held) + said["late_ms"]


async def test_an_agent_that_talks_on_is_measured_too(far: SipFarEnd, dialler: SipDialler, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=True, interrupt_ms=800)
    held = await hold(dialler, far.at(delay_ms=300, ignore=1, long=1), [greeting, cut], Limits(call_s=6))
    assert held.end is CallEnd.TOO_LONG
    timing = measure(held)[0][1]
    assert timing.stop_ms is not None
    assert timing.stop_ms > 3000


async def test_the_timeline_stays_true_when_packets_are_lost(
    far: SipFarEnd, dialler: SipDialler, speech: Audio
) -> None:
    script = [GREETED, *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2, 3))]
    before = len(far.ended())
    held = await hold(dialler, far.at(delay_ms=600, loss=0.1, seed=3), script, Limits(end_of_turn_ms=1200))
    said = await far.last(before + 1)
    errors = [
        (timing.ttfa_ms or 0) - answered
        for timing, answered in zip(measure(held)[0][1:], said["answered_ms"], strict=True)
    ]
    near = caller.inexact_ms(held) + said["late_ms"]
    # The packet with the onset may itself be lost: then the first sound is that of the next, or of the one after it.
    assert all(-near <= error <= 2 * FRAME_MS + near for error in errors), errors
    assert sum(abs(error) <= near for error in errors) >= 2, errors
    assert held.stats is not None
    assert 0.05 < held.stats.lost / (held.stats.lost + held.stats.received) < 0.17


async def test_sound_arrives_as_mu_law_leaves_it(far: SipFarEnd, dialler: SipDialler, speech: Audio) -> None:
    """Piece by piece: where this machine held a packet up, what follows comes later but sounds the same."""
    held = await hold(dialler, far.at("echo"), [PlannedTurn(0, speech.samples, judged=True)])
    sent, back = speech.samples.astype(float), held.agent.astype(float)
    pieces = sent[: len(sent) // PIECE * PIECE].reshape(-1, PIECE)
    loud = [piece for piece in pieces if np.std(piece) > np.std(sent) / 4]
    heights = np.array([snr_db(piece, back) for piece in loud])
    assert np.median(heights) > 34  # what one G.711 coding leaves
    assert np.mean(heights > 30) >= 0.9, heights  # and nothing is missing


async def test_keys_both_ways(far: SipFarEnd, dialler: SipDialler) -> None:
    script: list[Planned] = [PlannedTurn(0, None, judged=False, keys="12#", silence_ms=1500)]
    before = len(far.ended())
    held = await hold(dialler, far.at(silent=1, dtmf_echo=1), script)
    assert "".join(event.value for event in events(held) if event.kind == "key") == "12#"
    assert (await far.last(before + 1))["keys"] == "12#"


async def test_an_agent_that_only_presses_keys_has_answered(far: SipFarEnd, dialler: SipDialler) -> None:
    for sign in ("keys", "tones"):
        target = far.at(silent=1, **{sign: "42"})
        held = await hold(dialler, target, [PlannedTurn(0, None, judged=True, awaits=Awaits.KEYS)])
        assert held.end is CallEnd.COMPLETED, held.end_detail
        by_event = "".join(event.value for event in events(held) if event.kind == "key")
        assert (by_event or "".join(press.key for press in find_keys(held.agent, 8000))) == "42"


async def test_an_order_that_is_taken_back_leaves_no_call(far: SipFarEnd, dialler: SipDialler) -> None:
    before = len(far.ended())
    for wait_s in (0.0, 0.001, 0.005, 0.02):
        dialling = asyncio.create_task(dialler.dial(far.at(), call_id="x"))
        await asyncio.sleep(wait_s)
        dialling.cancel()
        [line] = await asyncio.gather(dialling, return_exceptions=True)
        if not isinstance(line, BaseException):
            await line.hang_up()  # it was quicker
    async with asyncio.timeout(60):
        while far.live():
            await asyncio.sleep(0.02)
    assert all(call["ended_by"] in {"caller", "cancelled"} for call in far.ended()[before:])


async def test_the_agent_hangs_up(far: SipFarEnd, dialler: SipDialler) -> None:
    held = await hold(dialler, far.at(hangup_ms=2500), [PlannedTurn(0, None, judged=True, awaits=Awaits.HANGUP)])
    assert held.end is CallEnd.AGENT_HUNG_UP


async def test_the_agent_transfers(far: SipFarEnd, dialler: SipDialler) -> None:
    target = far.at(refer="sip:desk@example.com")
    held = await hold(dialler, target, [PlannedTurn(0, None, judged=True, awaits=Awaits.TRANSFER)])
    assert held.end is CallEnd.TRANSFERRED
    assert [event.value for event in events(held) if event.kind == "transfer"] == ["sip:desk@example.com"]


async def test_headers_and_the_callers_address(far: SipFarEnd, dialler: SipDialler, monkeypatch: Any) -> None:
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
async def test_refusals_are_typed(far: SipFarEnd, dialler: SipDialler, user: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        await dialler.dial(far.at(user), call_id="test")
    assert type(refused.value) is error
    assert f"{user}@" in str(refused.value)


async def test_nobody_there(dialler: SipDialler) -> None:
    with pytest.raises(LineError, match="is it running"):
        await dialler.dial(SipTarget(channel="sip", uri="sip:agent@127.0.0.1:9", ring_s=2), call_id="test")


async def test_a_call_with_progress_is_answered(far: SipFarEnd, dialler: SipDialler) -> None:
    assert (await hold(dialler, far.at("progress"), [GREETED])).end is CallEnd.COMPLETED


async def test_a_dead_process_breaks_its_calls_and_no_others(far: SipFarEnd, speech: Audio) -> None:
    """SIGKILL in a call: the case knows, the agent is told by BYE, and the next call works."""
    dialler = SipDialler()
    before = len(far.ended())
    holding = asyncio.create_task(hold(dialler, far.at(long=1), [PlannedTurn(0, speech.samples, judged=True)]))
    await asyncio.sleep(3)
    process = dialler._processes["127.0.0.1", False]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(LineDiedError, match="process"):
        await holding
    assert (await far.last(before + 1))["ended_by"] == "caller"
    assert (await hold(dialler, far.at(), [GREETED])).end is CallEnd.COMPLETED
    await dialler.close()


async def test_a_dead_worker_leaves_nobody_on_the_line(far: SipFarEnd, tmp_path: Path) -> None:
    """The worker is killed; its SIP process hangs up and ends by itself."""
    before = len(far.ended())
    script = tmp_path / "worker.py"
    script.write_text(
        "import asyncio, sys\n"
        "from activities.channels.sip.dialler import SipDialler\n"
        "from voicewright.suite.format.agent import SipTarget\n"
        "async def main():\n"
        "    dialler = SipDialler()\n"
        "    await dialler.dial(SipTarget(channel='sip', uri=sys.argv[1]), call_id='x')\n"
        "    print('pid', dialler._processes['127.0.0.1', False].pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    worker = start([sys.executable, "-u", str(script), far.at().uri], tmp_path / "worker.log", "pid ")
    pid = int(next(line for line in worker.text().splitlines() if line.startswith("pid ")).split()[1])
    worker.process.kill()
    worker.process.wait()
    assert (await far.last(before + 1))["ended_by"] == "caller"
    async with asyncio.timeout(60):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.02)
