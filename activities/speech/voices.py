"""Which engine speaks for which caller."""

from collections.abc import Mapping
from dataclasses import dataclass

from activities.audio import Audio
from activities.errors import BadInputError
from activities.ports import SpeechEngine
from voicewright.languages import base_language
from voicewright.suite import Voice


@dataclass(frozen=True)
class Voices:
    """The engines at hand, and who speaks when a suite names nobody."""

    engines: Mapping[str, SpeechEngine]
    english: str
    other: str

    def warm_up(self) -> None:
        """Load the English voice now instead of with the first case."""
        if self.english == "piper":
            self.choose("en", Voice()).speak("Hello.")

    def choose(self, language: str, voice: Voice) -> "ChosenVoice":
        """The engine for a caller of a suite.

        Raises:
            BadInputError: the settings name an engine that does not exist.
        """
        name = voice.engine or (self.english if base_language(language) == "en" else self.other)
        engine = self.engines.get(name)
        if engine is None:
            known = ", ".join(sorted(self.engines))
            raise BadInputError(f"no speech engine {name!r}; known: {known}; check VOICEWRIGHT_TTS_*")
        return ChosenVoice(engine, language, voice.name, voice.speed)


@dataclass(frozen=True)
class ChosenVoice:
    """An engine with all but the text decided."""

    engine: SpeechEngine
    language: str
    voice: str | None
    speed: float

    @property
    def identity(self) -> str:
        """Everything that shapes the sound besides the text."""
        return f"{self.engine.identity(self.language, self.voice)} {self.language} {self.speed:g}"

    def speak(self, text: str) -> Audio:
        """Say `text`; see `SpeechEngine.speak`."""
        return self.engine.speak(text, self.language, self.voice, self.speed)
