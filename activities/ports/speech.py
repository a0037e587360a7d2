"""What the steps need of speech engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import Audio


class SpeechEngine(Protocol):
    """Text to speech."""

    def identity(self, language: str, voice: str | None) -> str:
        """Engine, version and voice: everything besides text and speed that shapes the sound."""

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """Speech at the engine's own rate. Blocking.

        Raises:
            BadInputError: it has no such voice or language.
            SpeechServiceError: an online service failed.
            RateLimitedError: it wants us to wait.
        """


@dataclass(frozen=True)
class HeardWord:
    """A recognised word; times in seconds from the start of the audio given, confidence 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    first_heard: str = ""
    """What was heard before names were known, where the spelling of a name replaced it."""
    may_be: str | None = None
    """What is heard here by one who expects the names, though the sound does not bear it out; None where nothing is.

    Of several words the first holds all of it, and the others hold nothing (`""`).
    """


class Recogniser(Protocol):
    """Speech to text."""

    @property
    def name(self) -> str:
        """Model and version, for the record."""

    def recognise(
        self, samples: NDArray[np.float32], language: str, *, careful: bool = True, names: Sequence[str] = ()
    ) -> list[HeardWord]:
        """Words in 16 kHz mono audio of shape (n,), range -1 to 1. Blocking.

        Args:
            samples: the audio.
            language: its language.
            careful: False where a rough transcript will do, at less cost.
            names: how names that may be said are spelled.
        """

    def language_of(self, samples: NDArray[np.float32]) -> dict[str, float]:
        """Probabilities, 0 to 1, of the languages that the audio may be in, by ISO 639-1 code. Blocking.

        Hears the first 30 s of what `recognise` takes, and costs about as much as recognising a short turn. Empty
        where the model knows one language alone.
        """


class Encoder(Protocol):
    """Makes recordings small."""

    def mp3(self, wav: bytes) -> bytes:
        """A WAV file as MP3, channels kept. Blocking.

        Raises:
            InstallationError: the program that encodes is missing.
        """
