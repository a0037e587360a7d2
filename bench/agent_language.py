"""Can the recogniser tell that an agent answers in another language, from a few seconds over a telephone line?

python bench/agent_language.py --clips FOLDER   # FOLDER/manifest.jsonl has lines {"file": ..., "lang": ...}

Clips are people's recordings, which this repository does not hold. Each is cut from its first sound, brought to
8 kHz and G.711 mu-law. Prints a line per cut, then what share was right, what the limits of `recogniser_faults` would
have flagged where the clip's language and English were expected, and the seconds per clip.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from outset import start

from activities.audio import g711
from activities.audio.pcm import Audio
from activities.checks.heard.recogniser_faults import WRONG_LANGUAGE_AT
from activities.speech.recognition.whisper import WhisperRecogniser
from voicewright.settings import Settings

_AUDIBLE = 0.1


def over_the_telephone(file: Path) -> Audio:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(file), "-ac", "1", "-ar", "8000"]
    raw = subprocess.run([*command, "-f", "s16le", "-"], capture_output=True, check=True).stdout
    return Audio(g711.decode(g711.encode(np.frombuffer(raw, "<i2").astype(np.int16))), 8000).at_rate(16_000)


def cuts(audio: Audio, seconds: list[float]) -> Iterator[tuple[float, "np.typing.NDArray[np.float32]"]]:
    samples = audio.as_float()
    start = int(np.argmax(np.abs(samples) > _AUDIBLE * np.abs(samples).max()))
    for length in seconds:
        cut = samples[start : start + round(length * 16_000)]
        if len(cut) == round(length * 16_000):
            yield length, cut


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.5, 3.0, 5.0])
    parser.add_argument("--languages", nargs="+", default=["en", "de", "es", "fr", "pt"])
    parser.add_argument("--each", type=int, default=10, help="clips per language")
    given = parser.parse_args()
    settings = Settings()
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, settings.whisper_threads)
    rows = [json.loads(line) for line in (given.clips / "manifest.jsonl").read_text().splitlines()]
    chosen = [[row for row in rows if row["lang"] == language][: given.each] for language in given.languages]
    seen: list[tuple[float, str, str, float, float]] = []
    # One of each language at a time, so that a bench that is stopped has seen all of them.
    for row in [some[at] for at in range(given.each) for some in chosen if at < len(some)]:
        for length, cut in cuts(over_the_telephone(given.clips / row["file"]), given.seconds):
            began = time.perf_counter()
            found = recogniser.language_of(cut)
            took = time.perf_counter() - began
            top = max(found, key=lambda language: found[language])
            seen.append((length, row["lang"], top, found[top], took))
            print(
                f"{length} s {row['lang']}: {top} {found[top]:.2f}, English {found['en']:.2f}, {took:.2f} s", flush=True
            )
    for length in given.seconds:
        for language in given.languages:
            of = [one for one in seen if one[:2] == (length, language)]
            sure = [top for _, _, top, probability, _ in of if probability >= WRONG_LANGUAGE_AT]
            right = sum(top == language for _, _, top, _, _ in of)
            print(
                f"{length} s of {language}: {right} of {len(of)} right; flagged "
                f"{sum(top != language for top in sure)} when {language} is expected, "
                f"{sum(top != 'en' for top in sure)} when English is"
            )
    print(f"seconds per clip, median: {np.median([took for *_, took in seen]):.2f}")
    return 0


if __name__ == "__main__":
    start(main)
