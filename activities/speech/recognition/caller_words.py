"""How our own caller is understood: asked of the recogniser once for each utterance, voice, profile and kind of line.

What the caller says is known. Its transcript only shows that it could be understood, and the same sound is heard the
same way each time. It is recognised again where this call may have changed the sound: frames were lost or late, the
caller was cut off, or the profile loses frames by chance.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter

from activities.audio.pcm import Audio
from activities.ports.speech import Recogniser
from activities.speech.recognition.pieces import join, lay_out, put_back
from voicewright.contracts.call import CallRecord, Side, Speech
from voicewright.contracts.steps import CallerSpeech, Utterance
from voicewright.contracts.transcript import Word
from voicewright.store.keys import heard_speech_key
from voicewright.store.port import ObjectStore
from voicewright.suite.format.profile import Profile

_KEPT = TypeAdapter(tuple[Word, ...])
_LATE_MS = 40.0
"""Lateness of our frames from which the sound may have suffered: two frames."""
_CUT_MS = 200
"""By which an utterance may be shorter or longer than it was made: voice activity has edges of its own."""


class CallerWords:
    """Words of the caller's side. `store` holds what was heard before, beside the speech itself."""

    def __init__(self, store: ObjectStore, recogniser: Recogniser) -> None:
        self._store = store
        self._recogniser = recogniser

    def heard(
        self, record: CallRecord, audio: Audio, language: str, speech: CallerSpeech | None, profile: Profile
    ) -> tuple[Word, ...]:
        """The words of all turns, in order. Blocking.

        Args:
            record: the call.
            audio: the caller's channel at the recogniser's rate.
            language: of the case.
            speech: what was synthesized; None where that is not known, and everything is recognised.
            profile: whose sound it was given.
        """
        said = [item for item in record.speech if item.side is Side.CALLER]
        keys = dict(self._keys(record, said, language, speech, profile))
        known: dict[int, tuple[Word, ...]] = {}
        for turn, key in keys.items():
            if (stored := self._store.get_if_present(key)) is not None:
                known[turn] = _moved(_KEPT.validate_json(stored), _begin(said, turn), turn)
        rest = [item for item in said if item.turn not in known]
        fresh = self._recognised(rest, audio, language)
        for turn, key in keys.items():
            if turn not in known:
                own = tuple(word for word in fresh if word.turn == turn)
                kept = _KEPT.dump_json(_moved(own, -_begin(said, turn), turn))
                self._store.put_if_absent(key, kept, "application/json")
        words = [*fresh, *(word for own in known.values() for word in own)]
        return tuple(sorted(words, key=lambda word: word.start_ms))

    def _recognised(self, said: Sequence[Speech], audio: Audio, language: str) -> list[Word]:
        pieces = join(said, audio.duration_ms)
        if not pieces:
            return []
        return [
            put_back(word, pieces)
            for word in self._recogniser.recognise(lay_out(pieces, audio), language, careful=False)
        ]

    def _keys(
        self, record: CallRecord, said: Sequence[Speech], language: str, speech: CallerSpeech | None, profile: Profile
    ) -> Iterator[tuple[int, str]]:
        """Turns whose sound is what it always is, and where their words are kept."""
        if speech is None or profile.loss or profile.jitter_ms or _suffered(record):
            return
        for utterance in speech.utterances:
            if _whole(utterance, said):
                recipe = [
                    utterance.audio.sha256,
                    profile.model_dump_json(),
                    record.channel,
                    record.sample_rate_hz,
                    language,
                    self._recogniser.name,
                ]
                digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
                yield utterance.turn, heard_speech_key(utterance.audio.sha256, digest)


def _suffered(record: CallRecord) -> bool:
    lost = record.network is not None and record.network.packets_lost > 0
    return lost or record.pacing.frames_lost > 0 or record.pacing.late_p99_ms > _LATE_MS


def _whole(utterance: Utterance, said: Sequence[Speech]) -> bool:
    own = [item for item in said if item.turn == utterance.turn]
    return bool(own) and abs(own[-1].end_ms - own[0].start_ms - utterance.duration_ms) <= _CUT_MS


def _begin(said: Sequence[Speech], turn: int) -> int:
    return next(item.start_ms for item in said if item.turn == turn)


def _moved(words: Sequence[Word], by_ms: int, turn: int) -> tuple[Word, ...]:
    return tuple(
        word.model_copy(update={"start_ms": word.start_ms + by_ms, "end_ms": word.end_ms + by_ms, "turn": turn})
        for word in words
    )
