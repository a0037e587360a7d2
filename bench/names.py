"""Does an agent that says another name pass because our recogniser was told the expected one?

    python bench/names.py                     every name of names.yaml, spoken by Piper
    python bench/names.py --voices af_heart   and by voices of Kokoro

Each name is spoken over the line and held against itself and against the name that it is paired with, with the whole
chain: recogniser with the suite's names, check, doubt. Homophones (Sydney and Sidney) are counted apart: no ear tells
them. The exit code is 1 where a wrong name passed that is none.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from line import PAUSE_S, RATE_HZ, over_the_line
from outset import start
from ruamel.yaml import YAML

from activities.audio.pcm import Audio
from activities.checks.answer import Answer, answer_checks
from activities.checks.doubt import doubt_words
from activities.checks.heard.sounds_like import either_reading
from activities.checks.meaning import InstalledJudge
from activities.ports.speech import HeardWord
from activities.speech.level import normalise_loudness, trim_silence
from activities.speech.recognition.by_ear import same_sound
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.kokoro import KokoroEngine
from activities.speech.voices.piper import PiperEngine
from voicewright.contracts.call import Side
from voicewright.contracts.check import Check, CheckOutcome
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.judge import MeaningJudge
from voicewright.settings import Settings
from voicewright.suite import Entities, Judge
from voicewright.suite.format.spoken import SpokenExpectation

_PIPER = "piper"


def sentences() -> Iterator[tuple[str, str, str]]:
    """The name that is said, the one that it may be taken for, and the sentence."""
    for kind in YAML(typ="safe").load((Path(__file__).parent / "names.yaml").read_text("utf-8")).values():
        for number, pair in enumerate(kind["pairs"]):
            for said, other in (pair, pair[::-1]):
                yield said, other, kind["says"][number % len(kind["says"])].format(said)


def word(heard: HeardWord) -> Word:
    """As `transcribe` keeps it."""
    return Word(
        text=heard.text,
        start_ms=round(heard.start_s * 1000),
        end_ms=round(heard.end_s * 1000),
        confidence=heard.confidence,
        turn=0,
        first_heard=heard.first_heard,
        may_be=heard.may_be,
    )


def outcome(side: SideTranscript, name: str, judge: InstalledJudge) -> CheckOutcome:
    """What the checks say of an answer in which a name is expected."""
    expect = SpokenExpectation(entities=Entities(names=[name]))

    def checks(text: str) -> list[Check]:
        return list(answer_checks(expect, Answer(text, 0, side.language), judge=judge, limits=Judge()))

    first, other = checks(side.text(0)), checks(side.other_text(0))
    [check] = doubt_words(either_reading(first, other, side.words), side)
    return check.outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", nargs="*", default=[], help="of Kokoro, besides Piper's")
    given = parser.parse_args()
    settings = Settings()
    piper = PiperEngine(settings.piper_voice, settings.models_dir)
    kokoro = KokoroEngine(settings.models_dir, settings.whisper_threads)
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads)
    judge = InstalledJudge(MeaningJudge())
    pause = np.zeros(int(RATE_HZ * PAUSE_S), np.float32)
    counts: dict[str, Counter[str]] = {"right": Counter(), "wrong": Counter(), "homophones": Counter()}
    let_through = []
    for voice in (_PIPER, *given.voices):
        for said, other, text in sentences():
            spoken = piper.speak(text, "en", None, 1.0) if voice == _PIPER else kokoro.speak(text, "en-US", voice, 1.0)
            line: Audio = over_the_line(normalise_loudness(trim_silence(spoken)))
            sound = np.concatenate([line.as_float(), pause])
            for name in (said, other):
                kind = "right" if name == said else "homophones" if same_sound(said, other, "en") else "wrong"
                heard = recogniser.recognise(sound, "en", names=[name])
                side = SideTranscript(side=Side.AGENT, language="en", words=tuple(map(word, heard)))
                found = outcome(side, name, judge)
                counts[kind][str(found)] += 1
                if kind == "wrong" and found is CheckOutcome.PASSED:
                    let_through.append(f"{voice}: {side.text(0)!r} passed for {name!r}, said was {said!r}")
    for kind, outcomes in counts.items():
        print(f"{kind:11} {', '.join(f'{count} {name}' for name, count in sorted(outcomes.items()))}")
    print(*let_through, sep="\n")
    return 1 if let_through else 0


if __name__ == "__main__":
    start(main)
