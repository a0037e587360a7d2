"""`python -m examples.clinic.agent`: the receptionist, listening for Twilio Media Streams on a WebSocket.

Point a Twilio number's `<Connect><Stream>` at it, or test it with Voicewright: `ws://127.0.0.1:8765/media`. She speaks
American English unless `?language=es` in the address, or the stream parameter `language`, asks for another language.
"""

import audioop
import sys
from pathlib import Path

import numpy as np

from examples.clinic.bugs import Bug, parse_bugs
from examples.clinic.phrasebook import PhrasebookReceptionist, spoken_languages
from examples.clinic.receptionist import Receptionist
from examples.clinic.tongues import Tongues
from examples.desk.program import Desk, options, run
from examples.desk.session import Attendant

_INTERJECTION = "Yes, yes, of course. Let me just have a look at the calendar for you."


def desk(models_dir: Path) -> Desk:
    """The clinic's front desk."""
    tongues = Tongues(models_dir)

    def attend(language: str, bugs: str) -> Attendant:
        known = parse_bugs(bugs)
        mind = PhrasebookReceptionist(language, known) if language in spoken_languages() else Receptionist(known)
        ears, mouth = tongues.of(language)
        return Attendant(mind, ears, mouth)

    def warm_up() -> None:
        ears, mouth = tongues.of("en-US")
        greeting = mouth.say(Receptionist().greet().text)
        ears.understand(np.frombuffer(audioop.ulaw2lin(greeting, 2), "<i2"))
        # Who talks into a caller's sentence has the words ready; making them up takes longer than the sentence.
        mouth.say(_INTERJECTION)

    return Desk("the clinic", attend, warm_up, _INTERJECTION)


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = options("examples.clinic.agent", __doc__, list(Bug), 8765)
    given = parser.parse_args(arguments)
    try:
        parse_bugs(given.bugs)
    except ValueError as error:
        parser.error(str(error))
    return run(desk(given.models_dir), parser, given)


if __name__ == "__main__":
    sys.exit(main())
