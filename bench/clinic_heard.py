"""How well the clinic and its callers hear each other in each language, over a telephone line.

    python bench/clinic_heard.py                     all languages
    python bench/clinic_heard.py --languages es fr --verbose

The clinic's lines, spoken by its own voice, go through G.711 to Whisper base, the tester's recogniser: errors are
counted as in `languages.py`. The same lines in the tester's default voice stand beside it. The other way round, the
tester's default voice calls with the lines of `examples/clinic/suites`: an answer counts if it is the one that the
receptionist gives to the written words. Once more without the hints of the phrase book.
"""

import argparse
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from languages import over_the_telephone, percent, recognised
from line import RATE_HZ
from outset import start
from rich.console import Console
from rich.table import Table

from activities.audio import g711
from activities.audio.g711 import RATE_HZ as LINE_HZ
from activities.audio.pcm import Audio
from activities.speech.recognition.whisper import WhisperRecogniser
from activities.speech.voices.kokoro import VOICES, KokoroEngine
from examples.clinic.phrasebook import PhrasebookReceptionist, phrasebook
from examples.clinic.receptionist import Receptionist
from examples.clinic.slots import Slots
from examples.clinic.tongues import VOICES as CLINIC_VOICES
from examples.clinic.tongues import WHISPER, Tongues
from examples.clinic.wording import Topic, say
from examples.desk.speech.ears import Ears, Whisper
from examples.desk.speech.mouth import Mouth
from voicewright.settings import Settings
from voicewright.suite.reading.file import load_suite


def lines(language: str) -> list[str]:
    """What the receptionist can say, one booking included."""
    if language == "en-GB":
        appointment = Slots("Brown", "Tuesday", (9, 30))
        return [say(topic, appointment) for topic in Topic if topic not in {Topic.REPEAT, Topic.CHANGED, Topic.BOOKED}]
    book = phrasebook(language)
    booking, day, time = book["booking"], list(book["days"])[1], book["times"]["9:30"]["said"]
    answers = [question["said"] for question in book["questions"]]
    asked = [booking["ask_day"], booking["ask_time"], booking["booked"].format(day=day, time=time)]
    return [book["greeting"], book["goodbye"], book["sorry"], *answers, *asked]


def receptionist(language: str) -> Receptionist | PhrasebookReceptionist:
    return Receptionist() if language == "en-GB" else PhrasebookReceptionist(language)


def understood(language: str, caller: Callable[[str], Audio], ears: Ears, *, quiet: bool) -> str:
    """How many of the suite's lines get the right answer, of how many."""
    suite, _ = load_suite(Path(f"examples/clinic/suites/{language}.yaml"))
    right, said = 0, [[str(turn.say) for turn in case.turns if turn.say is not None] for case in suite.cases]
    for case in said:
        spoken_to, written_to = receptionist(language), receptionist(language)
        for text in case:
            heard = ears.understand(caller(text).at_rate(LINE_HZ).samples)
            answers = spoken_to.answer(heard).text, written_to.answer(text).text
            right += answers[0] == answers[1]
            if not quiet:
                print(
                    f"{language}\n  caller said  {text}\n  clinic heard {heard}\n  and answered {answers[0]}",
                    flush=True,
                )
    return f"{right} of {sum(map(len, said))}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--languages", nargs="+", default=list(CLINIC_VOICES), choices=list(CLINIC_VOICES), metavar="TAG"
    )
    parser.add_argument("--verbose", action="store_true", help="print what was said and heard")
    given = parser.parse_args()
    models_dir = Settings().models_dir.expanduser()
    tester, recogniser = KokoroEngine(models_dir, threads=1), WhisperRecogniser("base", models_dir, 1)
    tongues, whisper = Tongues(models_dir), Whisper(models_dir / WHISPER)
    quiet = not given.verbose
    table = Table("language", "clinic's voice", "errors", "tester's voice", "errors", "clinic understands", "no hints")
    for tag in given.languages:
        ears, mouth = tongues.of(tag)

        def clinic_says(text: str, mouth: Mouth = mouth) -> Audio:
            return Audio(g711.decode(mouth.say(text)), LINE_HZ).at_rate(RATE_HZ)

        @lru_cache
        def tester_says(text: str, tag: str = tag) -> Audio:
            return over_the_telephone(tester.speak(text, tag, None, 1.0))

        own, theirs = (
            recognised(recogniser, [(text, says(text)) for text in lines(tag)], tag, quiet=quiet)
            for says in (clinic_says, tester_says)
        )
        unaided = Ears(whisper, tag.split("-")[0], "")
        row = [
            CLINIC_VOICES[tag], percent(own.written), VOICES[tag], percent(theirs.written),
            understood(tag, tester_says, ears, quiet=quiet),
            "" if tag == "en-GB" else understood(tag, tester_says, unaided, quiet=quiet),
        ]  # fmt: skip
        table.add_row(tag, *row)
        print(f"{tag}: {', '.join(row)}", flush=True)
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    start(main)
