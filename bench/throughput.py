"""Cases per hour, CPU seconds per case by process and by step, and peak memory: the clinic suite on a local stack.

voicewright dev                          # in another terminal, same folder
python bench/throughput.py --repeats 2
"""

import argparse
import asyncio
import json
import time

import psutil
from clinic import clinic
from temporalio.testing import ActivityEnvironment

from activities.speech.espeak import EspeakEngine
from activities.speech.piper import PiperEngine
from activities.speech.voices import Voices
from activities.speech.whisper import WhisperRecogniser
from activities.suites import SuiteLibrary
from activities.transcribe import TranscribeStep
from activities.validate import ValidateStep
from voicewright.case import CaseRequest, CaseResult
from voicewright.cli.stack import clinic_suite
from voicewright.client import Voicewright
from voicewright.leave import leave
from voicewright.results import case_results
from voicewright.run import RunRequest
from voicewright.s3 import S3Store
from voicewright.settings import STACK_FILE, Settings, default_data_dir
from voicewright.steps import TranscribeRequest, ValidateRequest
from voicewright.suite_file import load_suite
from voicewright.suite_library import push
from workers.build import meaning_judge


def family(processes: dict[str, int]) -> dict[str, tuple[float, float]]:
    """CPU seconds and resident MB of each process."""
    found = {}
    for name, pid in processes.items():
        process = psutil.Process(pid)
        cpu = process.cpu_times()
        found[name] = (cpu.user + cpu.system, process.memory_info().rss / 1e6)
    return found


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=6)
    given = parser.parse_args()
    settings = Settings()
    state = json.loads((default_data_dir() / STACK_FILE).read_text())
    async with clinic() as (url, agent):
        await measure(given, settings, state, url, agent.pid)
    return 0


async def measure(
    given: argparse.Namespace, settings: Settings, state: dict[str, dict[str, int]], url: str, agent: int
) -> None:
    processes = {**state["processes"], "the clinic's agent": agent}
    voicewright = await Voicewright.connect(settings)
    store = S3Store(settings)
    push(store, *load_suite(clinic_suite()))
    before, began, peak = family(processes), time.monotonic(), 0.0
    request = RunRequest(suite="clinic", agent_url=url, repeats=given.repeats, max_parallel=given.parallel)
    run_id = await voicewright.start(request)
    done, counts = 0, {}
    async for progress in voicewright.watch(run_id):
        peak = max(peak, sum(memory for _, memory in family(processes).values()))
        done, counts = progress.done, dict(progress.counts)
    took, after = time.monotonic() - began, family(processes)
    outcomes = {str(outcome): count for outcome, count in counts.items()}
    print(f"{done} cases in {took:.0f} s: {3600 * done / took:.0f} cases per hour; {outcomes}")
    for name, (cpu, _) in after.items():
        print(f"  {name:24} {(cpu - before[name][0]) / done:5.2f} CPU s per case")
    print(f"peak memory of all processes: {peak:.0f} MB")
    results = case_results(store, run_id)
    for step in results[0].step_ms:
        times = sorted(result.step_ms.get(step, 0) for result in results)
        print(f"  {step:12} median {times[len(times) // 2] / 1000:5.1f} s, max {times[-1] / 1000:5.1f} s of wall time")
    await by_step(settings, store, results)


async def by_step(settings: Settings, store: S3Store, results: list[CaseResult]) -> None:
    """The speech worker's steps again for every case, one at a time in this process: what each costs alone."""
    suites = SuiteLibrary(store)
    piper = PiperEngine(settings.piper_voice, settings.models_dir)
    voices = Voices({"piper": piper, "espeak": EspeakEngine()}, english="piper", other="espeak")
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads)
    model = meaning_judge(settings, None)
    for load in (voices.warm_up, recogniser.warm_up, model.warm_up):
        load()
    transcribe, validate = TranscribeStep(store, suites, recogniser), ValidateStep(store, suites, model)
    spent = dict.fromkeys(("synthesize (when nothing is stored yet)", "transcribe", "validate"), 0.0)
    for result in results:
        request = CaseRequest(run_id=result.run_id, suite=result.suite, key=result.key)
        assert result.call is not None
        suite, case, _ = await suites.case(request)
        marks = [time.process_time()]
        chosen = voices.choose(result.key.language, suite.voice_of(case))
        for turn in case.steps:
            if isinstance(turn.say, str):
                chosen.speak(turn.say)
        marks.append(time.process_time())
        heard = await ActivityEnvironment().run(
            transcribe.transcribe, TranscribeRequest(case=request, call=result.call)
        )
        marks.append(time.process_time())
        judged = ValidateRequest(case=request, call=result.call, transcript=heard)
        await ActivityEnvironment().run(validate.validate, judged)
        marks.append(time.process_time())
        for step, began, ended in zip(spent, marks[:-1], marks[1:], strict=True):
            spent[step] += ended - began
    for step, seconds in spent.items():
        print(f"  {step:40} {seconds / len(results):5.2f} CPU s per case, alone")


if __name__ == "__main__":
    leave(asyncio.run(main()))
