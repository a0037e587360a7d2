"""How exact is the tester on a line, how many calls does it hold, and what is left when everything is killed?

    python bench/calls.py                    # all of it, some 25 minutes
    python bench/calls.py --only timing      # or: network, many, loss, keys, kill, worker

Against far ends whose timing is known (`examples/calibration`), each a process of its own. Prints one table a part and
exits 1 when a figure is out of its bounds.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psutil
from calls_killed import kill, worker
from calls_network import network
from far_end import DETECTORS, FRAME_MS, LOUD_MS, SPEECH, Bounds, far_end, hold, hold_on, questions
from outset import start
from tqdm import tqdm

from activities.audio import g711
from activities.audio.arrivals import pairwise_gaps
from activities.audio.dtmf import KEYS, find_keys, tones
from activities.audio.pcm import Audio, Samples, to_int16
from activities.audio.stamped_arrivals import StampedArrivals
from activities.call.held import Held
from activities.call.script import Planned, PlannedTurn
from activities.call.timeline import measure
from activities.channels.media_stream.line import MediaStreamDialler
from activities.channels.sip.dialler import SipDialler
from activities.ports.line import Dialler
from activities.speech.voices.piper import PiperEngine
from voicewright.runtime.gc import freeze_loaded
from voicewright.settings import Settings
from voicewright.suite import Limits
from voicewright.suite.format.agent import AgentTarget, MediaStreamTarget, SipTarget
from voicewright.suite.reading.file import load_suite

DELAY_MS, STOP_MS = 800, 400
RAMP = 20
"""New calls a second."""

CUT: list[Planned] = [
    PlannedTurn(0, None, judged=False),
    PlannedTurn(1, SPEECH.samples, judged=False, interrupt_ms=1200),
]


async def timing(bounds: Bounds) -> None:
    """TTFA and interruption stop time, at 1 and at 20 calls, on both channels."""
    print(f"\ntiming: error in ms against an answer after {DELAY_MS} ms and a stop after {STOP_MS} ms")
    print(f"{'channel':14}{'calls':>6}{'what':>8}{'n':>5}{'median':>8}{'from':>6}{'to':>6}   within {FRAME_MS}")
    async with far_end("sip_agent", "sip:") as sip, far_end("agent", "ws:") as ws:
        channels: dict[str, tuple[Dialler, Callable[[str], AgentTarget]]] = {
            "media_stream": (
                MediaStreamDialler(),
                lambda more: MediaStreamTarget(channel="media_stream", url=f"{ws.address}?{more.replace(';', '&')}"),
            ),
            "sip": (SipDialler(), lambda more: SipTarget(channel="sip", uri=f"{sip.address};{more}")),
        }
        for name, (dialler, at) in channels.items():
            for calls in (1, 20):
                DETECTORS.warm_up(8000, calls)
                asked = at(f"delay_ms={DELAY_MS}")
                held = await asyncio.gather(*(hold(dialler, asked, questions(3)) for _ in range(calls)))
                errors = [t.ttfa_ms - DELAY_MS for one in held for t in measure(one)[0][1:] if t.ttfa_ms is not None]
                _row(bounds, name, calls, "TTFA", errors, 3 * calls)
                asked = at(f"stop_ms={STOP_MS};long=1")
                held = await asyncio.gather(*(hold(dialler, asked, CUT) for _ in range(calls)))
                stops = [measure(one)[0][1].stop_ms for one in held]
                _row(bounds, name, calls, "stop", [s - STOP_MS - LOUD_MS for s in stops if s is not None], calls)
        await channels["sip"][0].close()  # type: ignore[attr-defined]


def _row(bounds: Bounds, channel: str, calls: int, what: str, errors: list[int], expected: int) -> None:
    found = np.array(errors or [10_000])
    good = len(errors) == expected and np.abs(found).max() <= FRAME_MS
    mark = bounds.check(f"{what} on {channel} at {calls} calls", holds=bool(good))
    print(
        f"{channel:14}{calls:6}{what:>8}{len(errors):5}{np.median(found):8.0f}{found.min():6}{found.max():6}   {mark}"
    )


async def many(bounds: Bounds) -> None:
    """100 SIP calls at once, both sides on this machine."""
    calls, seconds = 100, 20
    print(f"\nmany: {calls} SIP calls at once for {seconds} s, both sides on this machine")
    tone = to_int16(8000 * np.sin(np.arange(8000 * seconds) * 2 * np.pi * 440 / 8000))
    reference = Audio(np.tile(SPEECH.samples, 1 + 8000 * seconds // len(SPEECH.samples))[: len(tone)], 8000)
    DETECTORS.warm_up(8000, calls)
    async with far_end("sip_agent", "sip:") as far:
        dialler = SipDialler()
        target = SipTarget(channel="sip", uri=far.address.replace("agent@", "echo@"))
        await hold(dialler, target, [PlannedTurn(0, SPEECH.samples, judged=False)])  # the stack is up
        own = [psutil.Process(), psutil.Process(dialler._processes["127.0.0.1", False].pid or 0)]
        before = [(p.cpu_times(), p.memory_info().rss) for p in own]
        began = time.monotonic()

        arrived: list[StampedArrivals] = []

        async def one(number: int) -> Held:
            await asyncio.sleep(number / RAMP)
            line = await dialler.dial(target, call_id="bench")
            arrived.append(line._arrivals)  # type: ignore[attr-defined]
            return await hold_on(line, [PlannedTurn(0, reference.samples, judged=False)])

        results = await asyncio.gather(*(one(number) for number in range(calls)), return_exceptions=True)
        took = time.monotonic() - began
        after = [(p.cpu_times(), p.memory_info().rss) for p in own]
        cpu = sum(a.user + a.system - b.user - b.system for (a, _), (b, _) in zip(after, before, strict=True))
        memory = sum(a - b for (_, a), (_, b) in zip(after, before, strict=True)) / calls / 1e6
        await dialler.close()
        await asyncio.sleep(0.5)
        held = [one for one in results if isinstance(one, Held)]
        # The far end counts by sequence numbers; it echoes what it gets, so what it sends is numbered with no gap.
        lost = sum(int(str(call["rtp_lost"])) for call in far.ended)
        short = sum(one.stats.lost for one in held if one.stats)
        # Where a far end fell behind, the recording has a frame of silence more, as it was heard: that may stand in
        # pauses alone. What the sound itself lost is measured on the packets as they came, end to end.
        torn = sum(torn_in(one) for one in arrived)
        sound = [one.sound for one in arrived]
        ratios = sorted(ratio for one in sound for ratio in segment_snr(reference.samples, one))
        worst = ratios[0] if ratios else 0.0
    share = 100 * cpu / took / calls
    for name, value, good in (
        ("failed", len(results) - len(held), len(held) == calls),
        ("packets lost", lost, lost == 0),
        ("worst 0.5 s segment SNR, dB", round(worst, 1), worst >= 34),
        ("gaps in speech", torn, torn == 0),
        ("CPU per call, % of a core", round(share, 2), share < 2),
        ("memory per call, MB", round(memory, 2), memory < 3),
    ):
        print(f"  {name:32}{value:>8}   {bounds.check(f'many: {name}', holds=good)}")
    print(
        f"  {'segments under 34 dB':32}{sum(ratio < 34 for ratio in ratios):>8}   of {len(ratios)}, median {ratios[len(ratios) // 2]:.1f} dB"
    )
    print(f"  {'frames late by arrival':32}{short:>8}")
    late = [one.lateness_ms[1] for one in held]
    print(f"  {'our frames, lateness p99, ms':32}{max(late, default=0):8.1f}")


def torn_in(arrivals: StampedArrivals) -> int:
    """Gaps and left out packets of a recording that are in the middle of sound."""
    laid = arrivals.layout(0.0)
    loud = [bool(np.any(np.abs(packet) > 200)) for _, packet in laid]
    gaps = [after != end for end, after in pairwise_gaps(laid)]
    return sum(gap and before and behind for gap, before, behind in zip(gaps, loud, loud[1:], strict=False))


def segment_snr(sent: Samples, back: Samples) -> list[float]:
    """Of every loud half second, in dB, each lined up by itself: when it came is another figure."""
    size, reach = 4000, 1600
    lag = int(np.argmax(np.correlate(back[: size * 4].astype(float), sent[:size].astype(float), "valid")))
    found: list[float] = []
    for at in range(0, min(len(sent), len(back) - lag) - size - reach, size):
        one = sent[at : at + size].astype(float)
        if np.sqrt(np.mean(one**2)) < 300:
            continue
        start = max(0, lag + at - reach)
        near = back[start : lag + at + size + reach].astype(float)
        best = int(np.argmax(np.correlate(near, one, "valid")))
        noise = near[best : best + size] - one
        found.append(float(10 * np.log10(np.sum(one**2) / max(1e-9, np.sum(noise**2)))))
    return found


async def loss(bounds: Bounds) -> None:
    """10 % of the agent's packets are lost: are events where they were?"""
    print("\nloss: error of the timeline in ms, with 10 % of the agent's packets lost")
    errors: list[int] = []
    shares: list[float] = []
    async with far_end("sip_agent", "sip:") as far:
        dialler = SipDialler()
        for seed in range(6):
            target = SipTarget(channel="sip", uri=f"{far.address};delay_ms={DELAY_MS};loss=0.1;seed={seed};long=1")
            held = await hold(dialler, target, questions(2), Limits(end_of_turn_ms=1500, answer_ms=5000))
            # Whether the packet with the onset came is chance: where the answer is heard from says it.
            errors += [t.ttfa_ms - DELAY_MS for t in measure(held)[0][1:] if t.ttfa_ms is not None]
            assert held.stats is not None
            shares.append(held.stats.lost / max(1, held.stats.lost + held.stats.received))
        await dialler.close()
    late = np.array(errors)
    # A first packet that is lost itself moves the onset by whole frames: that is what was heard.
    timeline = late - np.where(late > FRAME_MS, late // FRAME_MS * FRAME_MS, 0)
    mark = bounds.check("loss: timeline", holds=bool(np.abs(timeline).max() <= FRAME_MS and late.min() >= -FRAME_MS))
    print(f"  onsets {np.sort(late).tolist()}")
    print(f"  error of the timeline {timeline.min()} to {timeline.max()}   {mark}")
    print(f"  reported loss {min(shares):.3f} to {max(shares):.3f}   ", end="")
    print(bounds.check("loss: reported", holds=all(0.06 < share < 0.15 for share in shares)))


async def keys(bounds: Bounds) -> None:
    """All keys at 70 ms and 12 dB SNR after mu-law; and none in an hour of the suite's voice."""
    print("\nkeys: found at 70 ms and 12 dB SNR; false ones in an hour of speech")
    random = np.random.default_rng(7)
    pressed = "".join(KEYS)
    missed = 0
    for _ in range(50):
        sound = np.concatenate([np.concatenate([tones(key, 8000, 70), np.zeros(560, np.int16)]) for key in pressed])
        power = float(np.mean(tones("1", 8000, 70).astype(float) ** 2))
        noisy = to_int16(sound + random.normal(0, np.sqrt(power / 10**1.2), len(sound)))
        missed += "".join(press.key for press in find_keys(g711.decode(g711.encode(noisy)), 8000)) != pressed
    print(f"  16 keys, 50 times: {missed} times not all found   {bounds.check('keys: found', holds=missed == 0)}")
    suite, _ = load_suite(Path("examples/clinic/suite.yaml"))
    texts = [str(turn.say) for case in suite.cases for turn in case.steps if turn.say is not None]
    engine = PiperEngine(Settings().piper_voice, Settings().models_dir)
    false, length = 0, 0.0
    with tqdm(total=60, unit="min") as bar:
        number = 0
        while length < 3600:
            speech = engine.speak(texts[number % len(texts)], "en", None, 0.7 + 0.1 * (number // len(texts) % 8))
            narrow = speech.at_rate(8000).samples
            false += len(find_keys(g711.decode(g711.encode(narrow)), 8000))
            length += len(narrow) / 8000
            bar.update(len(narrow) / 8000 / 60)
            number += 1
    print(f"  false keys in {length / 60:.0f} min: {false}   {bounds.check('keys: false', holds=false == 0)}")


PARTS: dict[str, Callable[[Bounds], Awaitable[None]]] = {
    "timing": timing,
    "network": network,
    "many": many,
    "loss": loss,
    "keys": keys,
    "kill": kill,
    "worker": worker,
}


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    given = parser.parse_args()
    sys.setswitchinterval(0.0005)
    freeze_loaded()  # as a worker does
    bounds = Bounds()
    for name in given.only:
        await PARTS[name](bounds)
    print(f"\nout of bounds: {', '.join(bounds.broken) or 'nothing'}")
    return 1 if bounds.broken else 0


if __name__ == "__main__":
    start(main)
