"""Words with times, as the recogniser heard them."""

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.call import Side
from voicewright.contracts.text import Name


class Word(Contract):
    """One word. Times are ms from the start of the recording; confidence is the recogniser's, 0 to 1."""

    text: Name
    start_ms: int
    end_ms: int
    confidence: float
    turn: int | None = None
    first_heard: Name = ""
    """What the recogniser heard before it knew the suite's names, where the spelling of a name replaced it."""
    may_be: Name | None = None
    """What a recogniser that knows the suite's names hears here, though the sound does not bear it out.

    None where it hears the same. Of several words the first holds all of it, and the others hold nothing (`""`).
    """


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
    written: tuple[int, ...] = ()
    """Turns that were answered in writing: their words are certain, and no recogniser's."""
    corrected: tuple[int, ...] = ()
    """Turns whose words a person put right: they are certain too."""

    @property
    def certain(self) -> frozenset[int]:
        """Turns whose words no recogniser can have misheard."""
        return frozenset(self.written) | frozenset(self.corrected)

    def text(self, turn: int | None = None) -> str:
        """The words of one turn, or of the whole call, as a sentence."""
        return " ".join(word.text for word in self.words if turn is None or word.turn == turn)

    def other_text(self, turn: int) -> str:
        """The words of one turn with every `may_be` in its place: what may have been said instead."""
        said = [word.text if word.may_be is None else word.may_be for word in self.words if word.turn == turn]
        return " ".join(text for text in said if text)

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
