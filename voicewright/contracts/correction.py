"""Words that a person heard otherwise than the recogniser: put in their place, so that the case is judged again."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from voicewright.contracts.base import Contract
from voicewright.contracts.text import MAX_NAME, Name, Passage
from voicewright.contracts.transcript import Transcript, TranscriptSummary, Word
from voicewright.contracts.verdict import Decision
from voicewright.languages import WITHOUT_SPACES, base_language

MARK = 12
"""Characters of its digest by which the files of a corrected transcript are told from others."""
MAX_WORDS = 2_000
"""Of one turn."""


class TurnWords(Contract):
    """What the agent said in one turn, as a person heard it. `turn` counts from 0."""

    turn: int
    text: Passage


class Correction(Contract):
    """That somebody corrected words; which ones stands in the transcript. `at` is ISO 8601, UTC."""

    reviewer: Name
    at: str


class WordsCorrection(Contract):
    """Input of the update `correct_words`: the words themselves stay out of Temporal."""

    reviewer: Name = ""
    transcript: TranscriptSummary
    replaces: str = ""
    """Digest of the transcript that was corrected; where the case has another by now, nothing is replaced."""


class CorrectedVerdict(Contract):
    """Answer to `correct_words`. `settled`: the case ends with this decision; otherwise it goes on waiting."""

    decision: Decision
    settled: bool


class CorrectionError(ValueError):
    """A correction that cannot be made; the message says why."""


def corrected(transcript: Transcript, given: TurnWords) -> Transcript:
    """The transcript with other words of the agent's in one turn.

    Words that were there already keep their times; others share the time of those that they replace. Whoever corrects a
    turn vouches for all of its words: they are certain, and the recogniser's alternatives are gone. In what language it
    was heard stays: that comes from the sound, and nobody was asked about it.

    Raises:
        CorrectionError: nothing was heard in this turn, so that there is no time to put words at; or they are too many.
    """
    side = transcript.agent
    own = [word for word in side.words if word.turn == given.turn]
    if not own:
        raise CorrectionError(f"nothing was recognised in turn {given.turn + 1}: decide the case by what you hear")
    texts = _split(given.text, side.language)
    if not texts:
        raise CorrectionError("no words are given: decide the case by what you hear")
    if any(len(text) > MAX_NAME for text in texts):
        raise CorrectionError(f"a word has more than {MAX_NAME} characters: write spaces between words")
    if len(texts) > MAX_WORDS:
        raise CorrectionError(f"{len(texts):,} words are too many for one turn: at most {MAX_WORDS:,}")
    words = [word for word in side.words if word.turn != given.turn] + list(_placed(own, texts, given.turn))
    changed = side.model_copy(
        update={
            "words": tuple(sorted(words, key=lambda word: word.start_ms)),
            "corrected": tuple(sorted({*side.corrected, given.turn})),
        }
    )
    return transcript.model_copy(update={"agent": changed})


def _split(text: str, language: str) -> list[str]:
    """Words; characters, where a language is written without spaces."""
    if base_language(language) not in WITHOUT_SPACES:
        return text.split()
    pieces: list[str] = []
    for part in text.split():
        run = ""
        for character in part:
            if character.isascii():
                run += character
                continue
            pieces += [run, character] if run else [character]
            run = ""
        pieces += [run] if run else []
    return pieces


def _placed(own: Sequence[Word], texts: Sequence[str], turn: int) -> Iterator[Word]:
    before = [word.text for word in own]
    for kind, first, last, start, end in SequenceMatcher(None, before, texts, autojunk=False).get_opcodes():
        if kind == "equal":
            for word in own[first:last]:
                yield Word(text=word.text, start_ms=word.start_ms, end_ms=word.end_ms, confidence=1.0, turn=turn)
            continue
        from_ms = own[first].start_ms if first < last else (own[first - 1].end_ms if first else own[0].start_ms)
        to_ms = own[last - 1].end_ms if first < last else (own[first].start_ms if first < len(own) else own[-1].end_ms)
        each = max(0, to_ms - from_ms) / max(1, end - start)
        for place, text in enumerate(texts[start:end]):
            yield Word(
                text=text,
                start_ms=round(from_ms + place * each),
                end_ms=round(from_ms + (place + 1) * each),
                confidence=1.0,
                turn=turn,
            )
