"""How exact is the tester's clock, and how steady its caller? Against an agent whose delay is known.

    python bench/call_timing.py --calls 1 20

Holds real calls over real sockets (the agent is a process of its own) and prints, per number of concurrent calls: the
error of the measured time to first audio, and the lateness of our own frames.
"""

import argparse
import asyncio
import resource
import sys
import time

import numpy as np
from outset import start

from activities.audio.pcm import Audio
from activities.audio.voice_activity import Detectors, VoiceActivity
from activities.call.conversation import Conversation
from activities.call.script import PlannedTurn
from activities.call.timeline import measure
from activities.channels.media_stream.line import MediaStreamDialler
from activities.speech.level import trim_silence
from activities.speech.voices.piper import PiperEngine
from voicewright.contracts.call import CallEnd
from voicewright.settings import Settings
from voicewright.suite import Limits, MediaStreamTarget

DELAY_MS = 800
TURNS = 3


def utterance() -> Audio:
    """Speech that ends on a loud sample, so that its end is exact."""
    settings = Settings()
    engine = PiperEngine(settings.piper_voice, settings.models_dir)
    speech = trim_silence(engine.speak("I would like to book an appointment on Tuesday.", "en", None, 1.0)).at_rate(
        8000
    )
    loud = np.flatnonzero(np.abs(speech.samples) > 4000)[-1]
    whole = (loud + 1) // 160 * 160
    return Audio(speech.samples[:whole], 8000)


async def call(url: str, speech: Audio, detectors: Detectors) -> tuple[list[int], float, float, int]:
    """Errors of the measured TTFA in ms; p99 and max lateness of our frames; frames lost."""
    line = await MediaStreamDialler().dial(MediaStreamTarget(channel="media_stream", url=url), call_id="bench")
    with detectors.borrow(line.rate_hz) as detector:
        conversation = Conversation(line, Limits(), VoiceActivity(detector, line.rate_hz))
        turns = [PlannedTurn(0, None, judged=True)]
        turns += [PlannedTurn(index, speech.samples, judged=True) for index in range(1, TURNS + 1)]
        held = await conversation.hold(turns)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    timings, _ = await asyncio.to_thread(measure, held)
    errors = [timing.ttfa_ms - DELAY_MS for timing in timings[1:] if timing.ttfa_ms is not None]
    assert len(errors) == TURNS, timings
    return errors, held.lateness_ms[1], held.lateness_ms[2], held.frames_lost


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 20])
    given = parser.parse_args()
    sys.setswitchinterval(0.0005)
    speech = utterance()
    detectors = Detectors()
    detectors.warm_up(8000, max(given.calls))
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.calibration.agent", stdout=asyncio.subprocess.PIPE
    )
    assert agent.stdout is not None
    url = f"{(await agent.stdout.readline()).decode().strip()}?delay_ms={DELAY_MS}"
    worst = 0
    try:
        for count in given.calls:
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
            results = await asyncio.gather(*(call(url, speech, detectors) for _ in range(count)))
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            errors = np.array([error for errors, *_ in results for error in errors])
            worst = max(worst, int(np.abs(errors).max()))
            print(
                f"{count:3} calls: TTFA error median {np.median(errors):+.0f} ms, worst {errors.min():+d} to "
                f"{errors.max():+d} ms ({len(errors)} turns); frame lateness p99 {max(r[1] for r in results):.1f} ms, "
                f"max {max(r[2] for r in results):.1f} ms; frames lost {sum(r[3] for r in results)}; "
                f"CPU {100 * cpu / (time.monotonic() - began) / count:.1f} % of a core per call"
            )
    finally:
        agent.terminate()
        await agent.wait()
    return 0 if worst <= 40 else 1


if __name__ == "__main__":
    start(main)
