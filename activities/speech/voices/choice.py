"""Which engine speaks for which caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from activities.audio.pcm import Audio
from activities.errors import BadInputError
from activities.ports.speech import SpeechEngine
from activities.speech.voices.kokoro import default_voice
from voicewright.languages import base_language
from voicewright.suite import Voice


@dataclass(frozen=True)
class Voices:
    """The engines at hand, and who speaks when a suite names nobody.

    `regional` names engines for language tags whose accent the usual engine does not have, such as `en-GB`.
    """

    engines: Mapping[str, SpeechEngine]
    english: str
    other: str
    regional: Mapping[str, str] = field(default_factory=dict)

    def warm_up(self) -> None:
        """Load the English voice now instead of with the first case."""
        if self.english == "piper":
            self.choose("en", Voice()).speak("Hello.")

    def choose(self, language: str, voice: Voice) -> "ChosenVoice":
        """The engine for a caller of a suite.

        Raises:
            BadInputError: the settings name an engine that does not exist.
        """
        name = voice.engine or self._usual(language)
        engine = self.engines.get(name)
        if engine is None:
            known = ", ".join(sorted(self.engines))
            raise BadInputError(f"no speech engine {name!r}; known: {known}; check VOICEWRIGHT_TTS_*")
        return ChosenVoice(engine, language, voice.name, voice.speed)

    def _usual(self, language: str) -> str:
        regional = {tag.lower(): engine for tag, engine in self.regional.items()}
        if (engine := regional.get(language.lower())) is not None:
            return engine
        if base_language(language) == "en":
            return self.english
        return "espeak" if self.other == "kokoro" and default_voice(language) is None else self.other


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
