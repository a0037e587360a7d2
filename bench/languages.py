"""How well our own chain hears itself, by language: text → voice → telephone line → recogniser → text.

    python bench/languages.py                                    the table of docs/languages.md
    python bench/languages.py --languages hi zh --no-prompts     Whisper without a word on the script
    python bench/languages.py --clips DIR                        people's recordings too: DIR/manifest.jsonl with
                                                                 `file`, `lang` and `transcript` on each line; languages
                                                                 that we have no voice for are heard there alone

Word error rate (WER) after case, punctuation and number words are brought to one spelling. Japanese and Chinese are
counted by characters (CER), twice: as written, and as read aloud (Japanese kana, Mandarin syllables with tones), for
one word may be written in several ways. Japanese counts as read, Chinese as written: there the judge reads signs.
"""

import argparse
import itertools
import json
import re
import resource
import time
import unicodedata
from pathlib import Path

import numpy as np
from faster_whisper.audio import decode_audio
from line import PAUSE_S, RATE_HZ, over_the_line, windows
from outset import start
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from activities.audio.pcm import Audio
from activities.checks.heard.error_rate import units
from activities.speech.level import normalise_loudness, trim_silence
from activities.speech.recognition.whisper import PROMPTS, WhisperRecogniser
from activities.speech.voices.kokoro import VOICES, KokoroEngine
from voicewright.languages import base_language
from voicewright.settings import Settings

_PAUSE = np.zeros(int(RATE_HZ * PAUSE_S), np.float32)
_NOT_WORD = re.compile(r"[\W_]+")


def over_the_telephone(audio: Audio) -> Audio:
    """A voice at the loudness of our callers, over the line."""
    return over_the_line(normalise_loudness(trim_silence(audio)))


def read_aloud(text: str, language: str) -> list[str]:
    """Kana of Japanese, syllables of Mandarin."""
    plain = _NOT_WORD.sub("", unicodedata.normalize("NFKC", text))
    if base_language(language) == "ja":
        import pyopenjtalk  # noqa: PLC0415

        return list(pyopenjtalk.g2p(plain, kana=True))
    import cn2an  # noqa: PLC0415
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    return list(lazy_pinyin(cn2an.transform(plain, "an2cn"), style=Style.TONE3))


class Counted:
    """Errors so far: as written, and as read aloud."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.seconds = 0.0
        self._written = [0, 0]
        self._read = [0, 0]

    def add(self, said: str, heard: str, seconds: float) -> None:
        """Count one pass of the recogniser."""
        self.seconds += seconds
        _count(self._written, units(said, self.language), units(heard, self.language))
        if base_language(self.language) in {"ja", "zh"}:
            _count(self._read, read_aloud(said, self.language), read_aloud(heard, self.language))

    @property
    def written(self) -> float:
        """Errors per unit as written."""
        return self._written[0] / max(1, self._written[1])

    @property
    def read(self) -> float | None:
        """Errors per unit as read aloud; None where that is not counted."""
        return self._read[0] / self._read[1] if self._read[1] else None


def _count(sums: list[int], said: list[str], heard: list[str]) -> None:
    sums[0] += Levenshtein.distance(said, heard)
    sums[1] += len(said)


def recognised(
    recogniser: WhisperRecogniser, spoken: list[tuple[str, Audio]], language: str, *, quiet: bool
) -> Counted:
    counted = Counted(language)
    for batch in windows(spoken):
        sound = np.concatenate(list(itertools.chain.from_iterable((part.as_float(), _PAUSE) for _, part in batch)))
        heard = " ".join(word.text for word in recogniser.recognise(sound, language))
        said = " ".join(text for text, _ in batch)
        counted.add(said, heard, len(sound) / RATE_HZ)
        if not quiet:
            print(f"{language}\n  said  {said}\n  heard {heard}", flush=True)
    return counted


def clips(folder: Path) -> dict[str, list[tuple[str, Audio]]]:
    """People's recordings by language, over the line."""
    found: dict[str, list[tuple[str, Audio]]] = {}
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        sound = np.asarray(decode_audio(str(folder / row["file"]), sampling_rate=RATE_HZ), np.float32)
        audio = Audio((np.clip(sound, -1, 1) * 32767).astype(np.int16), RATE_HZ)
        found.setdefault(row["lang"], []).append((row["transcript"], over_the_telephone(audio)))
    return found


def of_people(
    recogniser: WhisperRecogniser, theirs: list[tuple[str, Audio]], language: str, *, quiet: bool
) -> tuple[str, str]:
    """Cells of the table for people's recordings."""
    if not theirs:
        return "", ""
    human = recognised(recogniser, theirs, language, quiet=quiet)
    return f"{percent(human.written)} of {len(theirs)}", percent(human.read)


def percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=list(VOICES), choices=list(VOICES), metavar="TAG")
    parser.add_argument("--voice", help="another voice than the language's own")
    parser.add_argument("--clips", type=Path, help="folder with people's recordings")
    parser.add_argument("--no-prompts", action="store_true", help="do not lead the recogniser to a script")
    parser.add_argument("--verbose", action="store_true", help="print what was said and heard")
    given = parser.parse_args()
    settings = Settings()
    engine = KokoroEngine(settings.models_dir, threads=1)
    recogniser = WhisperRecogniser("base", settings.models_dir, 1, prompts={} if given.no_prompts else PROMPTS)
    sentences = YAML(typ="safe").load(Path(__file__).with_name("sentences.yaml"))
    people = clips(given.clips) if given.clips else {}
    unspoken = sorted(set(people) - {base_language(tag) for tag in VOICES}) if given.languages == list(VOICES) else []
    table = Table("language", "voice", "error", "as read aloud", "CPU s per s of speech", "people's clips", "as read")
    for tag in given.languages:
        engine.speak("1 2 3", tag, given.voice, 1.0)  # loads what is loaded once
        spoken, made_s, started = [], 0.0, time.process_time()
        for text in sentences.get(tag) or sentences[base_language(tag)]:
            audio = engine.speak(text, tag, given.voice, 1.0)
            made_s += audio.duration_ms / 1000
            spoken.append((text, audio))
        cpu = (time.process_time() - started) / made_s
        own = recognised(
            recogniser, [(text, over_the_telephone(a)) for text, a in spoken], tag, quiet=not given.verbose
        )
        heard = of_people(recogniser, people.get(base_language(tag), []), tag, quiet=not given.verbose)
        row = [percent(own.written), percent(own.read), f"{cpu:.2f}", *heard]
        table.add_row(tag, given.voice or VOICES[tag], *row)
        print(f"{tag}: {', '.join(row)}", flush=True)
    for tag in unspoken:
        table.add_row(tag, "none", "", "", "", *of_people(recogniser, people[tag], tag, quiet=not given.verbose))
    Console(width=120).print(table)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    return 0


if __name__ == "__main__":
    start(main)
