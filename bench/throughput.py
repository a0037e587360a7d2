"""Cases per hour, CPU seconds per case by process and by step, and peak memory: the clinic suite on a local stack.

voicewright dev                          # in another terminal, same folder
python bench/throughput.py --repeats 2

The agent is right in every case. The exit code is 1 where one was failed or could not be tested, whatever the speed.
"""

import argparse
import time

import psutil
from clinic import clinic
from outset import local_processes, start
from temporalio.testing import ActivityEnvironment

from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.choice import Voices
from activities.speech.voices.espeak import EspeakEngine
from activities.speech.voices.piper import PiperEngine
from activities.steps.synthesize import SynthesizeStep
from activities.steps.transcribe import TranscribeStep
from activities.steps.validate import ValidateStep
from activities.suites import SuiteLibrary
from voicewright.cli.commands.stack import clinic_suite
from voicewright.client import Voicewright
from voicewright.contracts.case import CaseRequest, CaseResult, Outcome
from voicewright.contracts.run import RunRequest
from voicewright.contracts.steps import TranscribeRequest, ValidateRequest
from voicewright.report.results import case_results
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite
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
    processes = local_processes()
    async with clinic() as (url, agent):
        wrong = await measure(given, settings, {**processes, "the clinic's agent": agent.pid}, url)
    return 1 if wrong else 0


async def measure(given: argparse.Namespace, settings: Settings, processes: dict[str, int], url: str) -> int:
    """Print all figures; returns how many cases were failed or errored."""
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
    wrong = [result for result in results if result.outcome in {Outcome.FAILED, Outcome.ERRORED}]
    for result in wrong:
        print(f"WRONG: {result.key} {result.outcome}: {result.reason}")
    return len(wrong)


async def by_step(settings: Settings, store: S3Store, results: list[CaseResult]) -> None:
    """The speech worker's steps again for every case, one at a time in this process: what each costs alone."""
    suites = SuiteLibrary(store)
    piper = PiperEngine(settings.piper_voice, settings.models_dir)
    voices = Voices({"piper": piper, "espeak": EspeakEngine()}, english="piper", other="espeak")
    # Two, because each remembers what it encoded.
    ears = [WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads) for _ in range(2)]
    model = meaning_judge(settings, None)
    for load in (voices.warm_up, *(one.warm_up for one in ears), model.warm_up):
        load()
    synthesize = SynthesizeStep(store, suites, voices)
    transcribe, again = (TranscribeStep(store, suites, one) for one in ears)
    validate = ValidateStep(store, suites, model)
    steps = (
        "synthesize, the first time",
        "transcribe, the first time",
        "synthesize",
        "transcribe, the caller known",
        "validate",
    )
    spent = dict.fromkeys(steps, 0.0)
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
        first = TranscribeRequest(case=request, call=result.call)
        heard = await ActivityEnvironment().run(transcribe.transcribe, first)
        marks.append(time.process_time())
        known = first.model_copy(update={"speech": await ActivityEnvironment().run(synthesize.synthesize, request)})
        marks.append(time.process_time())
        heard = await ActivityEnvironment().run(again.transcribe, known)
        marks.append(time.process_time())
        judged = ValidateRequest(case=request, call=result.call, transcript=heard)
        await ActivityEnvironment().run(validate.validate, judged)
        marks.append(time.process_time())
        for step, began, ended in zip(spent, marks[:-1], marks[1:], strict=True):
            spent[step] += ended - began
    for step, seconds in spent.items():
        print(f"  {step:40} {seconds / len(results):5.2f} CPU s per case, alone")


if __name__ == "__main__":
    start(main)
