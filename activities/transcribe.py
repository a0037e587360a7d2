"""Step 3: the recording to words with times, each side in one pass.

Only the stretches of speech are recognised, joined by short pauses: a recogniser that is fed long silence invents
words, and one pass over a whole side costs a fraction of a pass per turn. Each word is then put back to where it was
said, and belongs to the turn of the stretch that it was heard in.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from temporalio import activity

from activities.audio import Audio, read_wav
from activities.checks.recogniser_faults import MIN_LANGUAGE_MS
from activities.heartbeat import heartbeats
from activities.ports import HeardWord, LineEventKind, ObjectStore, Recogniser
from activities.speech.name_hints import expected_names
from activities.suites import SuiteLibrary
from voicewright.call import CallRecord, Side, Speech
from voicewright.case import CaseRequest
from voicewright.languages import base_language
from voicewright.steps import TranscribeRequest
from voicewright.transcript import HeardLanguage, SideTranscript, Transcript, TranscriptSummary, Word

RATE_HZ = 16_000
_PAD_MS = 120
"""Kept around each stretch: soft consonants lie outside its edges."""
_STRETCHED_MS = 300
"""How long before the end of a piece a word that belongs to the next one may seem to begin."""
_PAUSE_MS = 400
_SURE = 0.9
"""Mean word confidence from which the language of a turn is not asked for: that costs a third of recognising it."""
_JOIN_MS = 500
"""Stretches of one turn that are nearer than this are heard as one."""


@dataclass
class Piece:
    """A stretch of one side: where it was in the recording and where it is in what the recogniser hears.

    `heard_at_ms` is noted by `lay_out`.
    """

    turn: int | None
    start_ms: int
    end_ms: int
    heard_at_ms: int = 0

    @property
    def heard_end_ms(self) -> int:
        """Where it ends in what the recogniser hears."""
        return self.heard_at_ms + self.end_ms - self.start_ms


class TranscribeStep:
    """Words of both sides of a call."""

    def __init__(self, store: ObjectStore, suites: SuiteLibrary, recogniser: Recogniser) -> None:
        self._store = store
        self._suites = suites
        self._recogniser = recogniser

    @activity.defn(name="transcribe")
    async def transcribe(self, request: TranscribeRequest) -> TranscriptSummary:
        """Recognise what both sides said.

        Raises:
            InstallationError: the recogniser's model is missing.
        """
        suite, case, _ = await self._suites.case(request.case)
        names = expected_names(suite, case, request.case.key.language)
        phase = "reading the recording"
        async with heartbeats(lambda: phase):
            record, caller, agent = await asyncio.to_thread(self._read, request)
            sides: list[SideTranscript] = []
            for side, audio in ((Side.CALLER, caller), (Side.AGENT, agent)):
                phase = f"recognising the {side}"
                sides.append(await asyncio.to_thread(self._side, record, side, audio, request.case, names))
            sides[1] = _with_writing(sides[1], record)
            transcript = Transcript(recogniser=self._recogniser.name, caller=sides[0], agent=sides[1])
            body = transcript.model_dump_json().encode()
            key = request.case.file("transcript.json")
            ref = await asyncio.to_thread(self._store.put, key, body, "application/json")
        return TranscriptSummary(
            transcript=ref, caller_words=len(transcript.caller.words), agent_words=len(transcript.agent.words)
        )

    def _read(self, request: TranscribeRequest) -> tuple[CallRecord, Audio, Audio]:
        record = CallRecord.model_validate_json(self._store.get(request.call.record.key))
        caller, agent = read_wav(self._store.get(record.recording.key))
        return record, caller.at_rate(RATE_HZ), agent.at_rate(RATE_HZ)

    def _side(
        self, record: CallRecord, side: Side, audio: Audio, case: CaseRequest, names: Sequence[str]
    ) -> SideTranscript:
        pieces = join([item for item in record.speech if item.side is side], audio.duration_ms)
        words: tuple[Word, ...] = ()
        if pieces:
            # What our own caller said is known; its transcript only shows that it could be understood.
            careful = side is Side.AGENT
            heard = self._recogniser.recognise(
                lay_out(pieces, audio), case.key.language, careful=careful, names=names if careful else ()
            )
            words = tuple(put_back(word, pieces) for word in heard)
        found = SideTranscript(side=side, language=case.key.language, words=words)
        if side is Side.CALLER:
            return found
        heard_in = tuple(self._languages(found, pieces, audio))
        return found.model_copy(update={"heard": heard_in})

    def _languages(self, side: SideTranscript, pieces: list[Piece], audio: Audio) -> Iterator[HeardLanguage]:
        """The language of turns whose words are doubtful: a foreign answer is never recognised with confidence."""
        for turn in sorted({piece.turn for piece in pieces if piece.turn is not None}):
            own = [piece for piece in pieces if piece.turn == turn]
            length = sum(piece.end_ms - piece.start_ms for piece in own)
            if length < MIN_LANGUAGE_MS or (side.confidence(turn) or 0.0) >= _SURE:
                continue
            likely = self._recogniser.language_of(lay_out(own, audio))
            if likely:
                best = max(likely, key=lambda language: likely[language])
                yield HeardLanguage(
                    turn=turn,
                    language=best,
                    probability=round(likely[best], 3),
                    expected=round(likely.get(base_language(side.language), 0.0), 3),
                    speech_ms=length,
                )


def _with_writing(side: SideTranscript, record: CallRecord) -> SideTranscript:
    """The agent's words, with those of answers that came in writing alone: they are certain."""
    spoken = {item.turn for item in record.speech if item.side is Side.AGENT}
    words = list(side.words)
    for event in record.events:
        if event.kind == LineEventKind.ANSWER and event.turn not in spoken:
            words += [
                Word(text=word, start_ms=event.at_ms, end_ms=event.at_ms, confidence=1.0, turn=event.turn)
                for word in event.value.split()
            ]
    return side.model_copy(update={"words": tuple(sorted(words, key=lambda word: word.start_ms))})


def join(speech: list[Speech], duration_ms: int) -> list[Piece]:
    """Stretches to recognise: padded, and joined where they are one turn's and close together."""
    pieces: list[Piece] = []
    for item in speech:
        start, end = max(0, item.start_ms - _PAD_MS), min(duration_ms, item.end_ms + _PAD_MS)
        last = pieces[-1] if pieces else None
        if last is not None and last.turn == item.turn and start - last.end_ms < _JOIN_MS:
            last.end_ms = end
        else:
            pieces.append(Piece(item.turn, start, end))
    return pieces


def lay_out(pieces: list[Piece], audio: Audio) -> "np.typing.NDArray[np.float32]":
    """The pieces one after the other with pauses between; notes where each one went."""
    samples = audio.as_float()
    pause = np.zeros(RATE_HZ * _PAUSE_MS // 1000, np.float32)
    parts: list[np.typing.NDArray[np.float32]] = []
    length = 0
    for piece in pieces:
        piece.heard_at_ms = length * 1000 // RATE_HZ
        cut = samples[piece.start_ms * RATE_HZ // 1000 : piece.end_ms * RATE_HZ // 1000]
        parts += [cut, pause]
        length += len(cut) + len(pause)
    return np.concatenate(parts)


def put_back(word: HeardWord, pieces: list[Piece]) -> Word:
    """Where a word was said: in the last piece that began before its end.

    A recogniser lets the first word after a pause begin within the pause, by as much as all of it. What begins well
    within what was said before the pause is a last word, whose end was stretched.
    """
    start_ms, end_ms = word.start_s * 1000, word.end_s * 1000
    index = max((at for at, piece in enumerate(pieces) if piece.heard_at_ms + _PAD_MS / 2 < end_ms), default=0)
    while index and start_ms < pieces[index - 1].heard_end_ms - _STRETCHED_MS:
        index -= 1
    piece = pieces[index]
    shift = piece.start_ms - piece.heard_at_ms

    def place(seconds: float) -> int:
        return min(piece.end_ms, max(piece.start_ms, round(seconds * 1000) + shift))

    return Word(
        text=word.text,
        start_ms=place(word.start_s),
        end_ms=place(word.end_s),
        confidence=round(min(1.0, max(0.0, word.confidence)), 3),
        turn=piece.turn,
        first_heard=word.first_heard,
    )
