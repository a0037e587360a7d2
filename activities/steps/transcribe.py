"""Step 3: the recording to words with times, each side in one pass."""

import asyncio
from collections.abc import Iterator, Sequence

from temporalio import activity

from activities.audio.pcm import Audio, read_wav
from activities.checks.heard.recogniser_faults import MIN_LANGUAGE_MS
from activities.heartbeat import heartbeats
from activities.ports.speech import Recogniser
from activities.speech.recognition.caller_words import CallerWords
from activities.speech.recognition.name_hints import expected_names
from activities.speech.recognition.pieces import RATE_HZ, Piece, join, lay_out, put_back, without_echoes
from activities.suites import SuiteLibrary
from voicewright.contracts.call import CallEventKind, CallRecord, Side
from voicewright.contracts.steps import TranscribeRequest
from voicewright.contracts.transcript import HeardLanguage, SideTranscript, Transcript, TranscriptSummary, Word
from voicewright.languages import base_language
from voicewright.store.keys import case_file
from voicewright.store.port import ObjectStore

_SURE = 0.9
"""Mean word confidence from which the language of a turn is not asked for: that costs a third of recognising it."""


class TranscribeStep:
    """Words of both sides of a call."""

    def __init__(self, store: ObjectStore, suites: SuiteLibrary, recogniser: Recogniser) -> None:
        self._store = store
        self._suites = suites
        self._recogniser = recogniser
        self._caller = CallerWords(store, recogniser)

    @activity.defn(name="transcribe")
    async def transcribe(self, request: TranscribeRequest) -> TranscriptSummary:
        """Recognise what both sides said.

        Raises:
            InstallationError: the recogniser's model is missing.
        """
        suite, case, _ = await self._suites.case(request.case)
        key = request.case.key
        names, profile = expected_names(suite, case, key.language), suite.profile(key.profile)
        phase = "reading the recording"
        async with heartbeats(lambda: phase):
            record, caller, agent = await asyncio.to_thread(self._read, request)
            phase = "recognising the caller"
            said = await asyncio.to_thread(self._caller.heard, record, caller, key.language, request.speech, profile)
            phase = "recognising the agent"
            answered = await asyncio.to_thread(self._agent, record, agent, key.language, names)
            transcript = Transcript(
                recogniser=self._recogniser.name,
                caller=SideTranscript(side=Side.CALLER, language=key.language, words=said),
                agent=_with_writing(answered, record),
            )
            body = transcript.model_dump_json().encode()
            file = case_file(request.case, "transcript.json")
            ref = await asyncio.to_thread(self._store.put, file, body, "application/json")
        return TranscriptSummary(
            transcript=ref, caller_words=len(transcript.caller.words), agent_words=len(transcript.agent.words)
        )

    def _read(self, request: TranscribeRequest) -> tuple[CallRecord, Audio, Audio]:
        record = CallRecord.model_validate_json(self._store.get(request.call.record.key))
        caller, agent = read_wav(self._store.get(record.recording.key))
        return record, caller.at_rate(RATE_HZ), agent.at_rate(RATE_HZ)

    def _agent(self, record: CallRecord, audio: Audio, language: str, names: Sequence[str]) -> SideTranscript:
        pieces = join([item for item in record.speech if item.side is Side.AGENT], audio.duration_ms)
        heard = self._recogniser.recognise(lay_out(pieces, audio), language, names=names) if pieces else []
        words = without_echoes([put_back(word, pieces) for word in heard])
        found = SideTranscript(side=Side.AGENT, language=language, words=words)
        return found.model_copy(update={"heard": tuple(self._languages(found, pieces, audio))})

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
    written: set[int] = set()
    for event in record.events:
        if event.kind is CallEventKind.ANSWER and event.turn not in spoken:
            written |= {event.turn} if event.turn is not None else set()
            words += [
                Word(text=word, start_ms=event.at_ms, end_ms=event.at_ms, confidence=1.0, turn=event.turn)
                for word in event.value.split()
            ]
    ordered = tuple(sorted(words, key=lambda word: word.start_ms))
    return side.model_copy(update={"words": ordered, "written": tuple(sorted(written))})
