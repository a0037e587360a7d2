"""The receptionist in languages other than English: one phrase book each, `phrases/<tag>.yaml`.

A phrase book lists the words that give a question away, and the answer. Where the words of several days or times were
heard, the longest win, so that "half past eleven" is not taken for "eleven".
"""

import re
import unicodedata
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from examples.clinic.bugs import Bug
from examples.clinic.faults import patience_ms
from examples.clinic.slots import Slots
from examples.clinic.wording import Reply, Topic

_FOLDER = files("examples.clinic") / "phrases"
_UNSPACED = ("ja", "zh")
_WRONG = {"9:30": "10:30"}


def spoken_languages() -> list[str]:
    """Tags of all phrase books."""
    return sorted(path.name.removesuffix(".yaml") for path in _FOLDER.iterdir() if path.name.endswith(".yaml"))


def phrasebook(language: str) -> dict[str, Any]:
    """What `phrases/<language>.yaml` holds.

    Raises:
        KeyError: there is no phrase book for the language.
    """
    if language not in spoken_languages():
        raise KeyError(language)
    book: dict[str, Any] = YAML(typ="safe").load((_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return book


@dataclass
class PhrasebookReceptionist:
    """One caller's conversation.

    Raises:
        KeyError: there is no phrase book for `language`.
    """

    language: str
    bugs: frozenset[Bug] = frozenset()
    _book: dict[str, Any] = field(init=False)
    _booking: bool = False
    _day: str | None = None
    _time: str | None = None

    def __post_init__(self) -> None:
        self._book = phrasebook(self.language)

    def greet(self) -> Reply:
        """What a caller hears first."""
        return Reply(Topic.GREETING, Slots(), str(self._book["greeting"]))

    def answer(self, said: str) -> Reply:
        """The reply to what a caller said, as the recogniser understood it."""
        return Reply(Topic.SORRY, Slots(), self._answer(self._plain(said)))

    def patience_ms(self) -> int | None:
        """How long a caller may speak before the receptionist talks over them."""
        return patience_ms(self.bugs, 0)

    def _answer(self, said: str) -> str:
        book = self._book
        booking = book["booking"]
        day = self._heard(said, book["days"])
        time = self._heard(said, {name: time["heard"] for name, time in book["times"].items()})
        self._booking = self._booking or self._any(said, booking["heard"]) or (day is not None and time is not None)
        for question in book["questions"]:
            if self._any(said, question["heard"]) and day is None and time is None:
                return str(question["said"])
        if self._booking and (day or time or self._any(said, booking["heard"])):
            self._day, self._time = day or self._day, time or self._time
            return self._continue()
        return str(book["goodbye"] if self._any(said, book["bye"]) else book["sorry"])

    def _continue(self) -> str:
        booking = self._book["booking"]
        if self._day is None:
            return str(booking["ask_day"])
        if self._time is None:
            return str(booking["ask_time"])
        time = _WRONG.get(self._time, self._time) if Bug.WRONG_TIME in self.bugs else self._time
        return str(booking["booked"]).format(day=self._day, time=self._book["times"][time]["said"])

    def _plain(self, text: str) -> str:
        """In lower case, without punctuation other than that of times, and without spaces if the script has none."""
        plain = re.sub(r"[,;!?¿¡。、，？！।]", "", unicodedata.normalize("NFKC", text).lower())
        return re.sub(r"\s+", "" if self.language in _UNSPACED else " ", plain)

    def _any(self, said: str, words: list[str]) -> bool:
        return any(self._plain(word) in said for word in words)

    def _heard(self, said: str, choices: dict[str, list[str]]) -> str | None:
        """The choice whose words were heard; of several, the one with the longest words."""
        found = [(len(word), name) for name, words in choices.items() for word in words if self._plain(word) in said]
        return max(found)[1] if found else None
