"""Words with times, as the recogniser heard them."""

from voicewright.artifact import ArtifactRef
from voicewright.call import Side
from voicewright.contract import Contract


class Word(Contract):
    """One word. Times are ms from the start of the recording; confidence is the recogniser's, 0 to 1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    turn: int | None = None
    first_heard: str = ""
    """What the recogniser heard before it knew the suite's names, where the spelling of a name replaced it."""


class HeardLanguage(Contract):
    """The language that a stretch of speech was heard in: of one turn, or of all of a side where `turn` is None.

    Probabilities are the recogniser's, 0 to 1; `expected` is that of the language in which the case is spoken.
    """

    turn: int | None
    language: str
    probability: float
    expected: float
    speech_ms: int


class SideTranscript(Contract):
    """All that one side said."""

    side: Side
    language: str
    words: tuple[Word, ...]
    heard: tuple[HeardLanguage, ...] = ()
    """What language it was in, as far as that was asked; empty in transcripts of older workers."""

    def text(self, turn: int | None = None) -> str:
        """The words of one turn, or of the whole call, as a sentence."""
        return " ".join(word.text for word in self.words if turn is None or word.turn == turn)

    def confidence(self, turn: int) -> float | None:
        """Mean word confidence of a turn; None when nothing was heard."""
        heard = [word.confidence for word in self.words if word.turn == turn]
        return sum(heard) / len(heard) if heard else None


class Transcript(Contract):
    """Both sides of one call; stored as `transcript.json`."""

    recogniser: str
    caller: SideTranscript
    agent: SideTranscript


class TranscriptSummary(Contract):
    """What the workflow keeps of a transcript."""

    transcript: ArtifactRef
    caller_words: int
    agent_words: int
