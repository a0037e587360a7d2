"""Makes answers as our own chain hears them: text → voice → telephone line → recogniser → text.

    python bench/spoken_pairs.py PAIRS.jsonl.gz SPOKEN.jsonl --limit 3000 --seed 7

Reads lines with `expected` and `actual`. Writes them with `actual` as it was heard, `actual_written` as it was, and
`confidence`, the recogniser's for each word. As in a call, the recogniser knows the expected names, and several answers
are recognised in one pass with pauses between them. Continues where it was stopped. The judge's thresholds for
recognised speech come from such pairs.
"""

import argparse
import gzip
import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from line import RATE_HZ, over_the_line, windows
from outset import start
from tqdm import tqdm
from truth_data import ENCODER_DOMAINS

from activities.audio.pcm import Audio
from activities.errors import BadInputError
from activities.speech.recognition.pieces import Piece, lay_out, put_back
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.piper import PACKAGED, PiperEngine
from voicewright.judge.text.proper_names import names_in
from voicewright.settings import Settings

_SPEEDS = (0.9, 1.0, 1.0, 1.1)


def hear(
    recogniser: WhisperRecogniser, batch: list[tuple[dict[str, object], Audio]], language: str
) -> Iterator[dict[str, object]]:
    """Recognise a window of answers, and give each answer its words as in a call."""
    ends = list(itertools.accumulate(sound.duration_ms for _, sound in batch))
    pieces = [Piece(index, start, end) for index, (start, end) in enumerate(itertools.pairwise([0, *ends]))]
    names = dict.fromkeys(name for row, _ in batch for name in names_in(str(row["expected"]), language))
    whole = Audio(np.concatenate([sound.samples for _, sound in batch]), RATE_HZ)
    words = [
        put_back(word, pieces) for word in recogniser.recognise(lay_out(pieces, whole), language, names=list(names))
    ]
    for index, (row, _) in enumerate(batch):
        heard = [word for word in words if word.turn == index]
        yield row | {
            "actual": " ".join(word.text for word in heard),
            "actual_written": row["actual"],
            "confidence": [word.confidence for word in heard],
            "condition": "recognised",
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--language", default="en")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="only domains that the encoder has not seen")
    given = parser.parse_args()
    opener = gzip.open if given.pairs.suffix == ".gz" else open
    with opener(given.pairs, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) | {"row": number} for number, line in enumerate(file)]
    if given.held_out:
        rows = [row for row in rows if row["service"].split("_")[0] not in ENCODER_DOMAINS]
    random.Random(given.seed).shuffle(rows)  # noqa: S311 - a sample
    rows = rows[: given.limit]
    done = set()
    if given.out.exists():
        done = {json.loads(line)["row"] for line in given.out.read_text().splitlines()}
    settings = Settings()
    engine = PiperEngine(PACKAGED, settings.models_dir)
    recogniser = WhisperRecogniser(settings.whisper_model, settings.models_dir, given.threads)

    def spoken() -> Iterator[tuple[dict[str, object], Audio]]:
        for row in rows:
            if row["row"] in done or len(row["actual"]) > 400:
                continue
            try:
                yield row, over_the_line(engine.speak(row["actual"], given.language, None, _SPEEDS[row["row"] % 4]))
            except BadInputError as error:
                print(f"row {row['row']}: {error}", file=sys.stderr)

    with given.out.open("a", encoding="utf-8") as out, tqdm(total=len(rows), initial=len(done)) as bar:
        for batch in windows(spoken()):
            for row in hear(recogniser, batch, given.language):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                bar.update()
            out.flush()
    return 0


if __name__ == "__main__":
    start(main)
