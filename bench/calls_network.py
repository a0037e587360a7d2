"""Does the network change what is measured? TTFA and stop time on `sip`, at every packet time, over a bad network.

The far end knows what it really did: when the caller's sound came to it, and at which sample it answered or stopped.
"""

import asyncio

import numpy as np
from far_end import DETECTORS, FRAME_MS, SPEECH, Bounds, far_end, hold, questions

from activities.call.held import Held
from activities.call.script import Planned, PlannedTurn
from activities.call.timeline import measure
from activities.channels.sip.dialler import SipDialler
from voicewright.suite.format.agent import SipTarget

CALLS = 20
PACKETS_MS = (10, 20, 30, 40, 60)
NETWORKS = {
    "calm": "",
    "5 % twice, jitter 60 ms": "duplicates=0.05;jitter_ms=60",
}
CUT: list[Planned] = [
    PlannedTurn(0, None, judged=False),
    PlannedTurn(1, SPEECH.samples, judged=False, interrupt_ms=1200),
]
_SPREAD_S = 0.05
"""Between the beginnings of two calls: as many at the same moment are nobody's traffic."""


async def network(bounds: Bounds) -> None:
    """TTFA and stop time at every packet time, over a calm and over a bad network, each at 20 calls."""
    print(f"\nnetwork: error in ms against what the far end did, at {CALLS} calls on sip")
    print(f"{'packets':>8}  {'network':26}{'what':>6}{'n':>5}{'median':>8}{'from':>6}{'to':>6}{'jitter':>8}{'lost':>6}")
    DETECTORS.warm_up(8000, CALLS)
    for packet_ms in PACKETS_MS:
        for name, network in NETWORKS.items():
            await _row(bounds, packet_ms, name, network)


async def _row(bounds: Bounds, packet_ms: int, name: str, network: str) -> None:
    dialler = SipDialler()

    async def one(asked: str, script: list[Planned], number: int) -> Held:
        await asyncio.sleep(number * _SPREAD_S)
        target = SipTarget(
            channel="sip", uri=f"{asked};ptime_ms={packet_ms};{network}".rstrip(";"), headers={"X-N": str(number)}
        )
        return await hold(dialler, target, script)

    for what, script, more in (("TTFA", questions(2), "delay_ms=800"), ("stop", CUT, "stop_ms=400;long=1")):
        async with far_end("sip_agent", "sip:") as far:
            held = await asyncio.gather(*(one(f"{far.address};{more}", script, number) for number in range(CALLS)))
        truth = {call["headers"]["X-N"]: call for call in far.ended}  # type: ignore[index]
        errors: list[float] = []
        for number, call in enumerate(held):
            timings = measure(call)[0][1:]
            if what == "TTFA":
                pairs = zip(
                    (timing.ttfa_ms for timing in timings), truth[str(number)]["answered_after_ms"], strict=False
                )  # type: ignore[call-overload]
            else:
                pairs = zip(
                    (timing.stop_ms for timing in timings), truth[str(number)]["stopped_after_ms"], strict=False
                )  # type: ignore[call-overload]
            errors += [measured - true for measured, true in pairs if measured is not None]
        expected = CALLS * (2 if what == "TTFA" else 1)
        found = np.array(errors or [10_000])
        good = len(errors) == expected and np.abs(found).max() <= FRAME_MS
        mark = bounds.check(f"{what} with packets of {packet_ms} ms, {name}", holds=bool(good))
        stats = [call.stats for call in held if call.stats is not None]
        print(
            f"{packet_ms:5} ms  {name:26}{what:>6}{len(errors):5}{np.median(found):8.0f}{found.min():6.0f}{found.max():6.0f}"
            f"{np.mean([one.jitter_ms for one in stats]):8.1f}{sum(one.lost for one in stats):6}   {mark}"
        )
    await dialler.close()
