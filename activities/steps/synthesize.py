"""Step 1: text to caller speech, synthesized once ever for the same text, voice and settings."""

import asyncio
import hashlib
import json
import time

from temporalio import activity

from activities.audio.pcm import read_wav, wav_bytes
from activities.heartbeat import heartbeats
from activities.speech.level import TARGET_LUFS, normalise_loudness, trim_silence
from activities.speech.voices.choice import ChosenVoice, Voices
from activities.suites import SuiteLibrary
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.case import CaseRequest
from voicewright.contracts.steps import CallerSpeech, Utterance
from voicewright.store.keys import speech_key
from voicewright.store.port import ObjectStore

RATE_HZ = 16_000
_FORMAT = f"wav {RATE_HZ} s16 mono trim40 {TARGET_LUFS:g}LUFS v1"
_CLAIM_S = 90.0
"""A claim older than this was left by a worker that died."""
_POLL_S = 0.2


class SynthesizeStep:
    """Content-addressed: the key of an utterance is the digest of all that shapes its sound."""

    def __init__(self, store: ObjectStore, suites: SuiteLibrary, voices: Voices) -> None:
        self._store = store
        self._suites = suites
        self._voices = voices

    @activity.defn(name="synthesize")
    async def synthesize(self, request: CaseRequest) -> CallerSpeech:
        """Speech for every turn in which the caller speaks.

        Raises:
            BadInputError: a voice cannot say what the suite wants.
            SpeechServiceError: an online voice failed.
            RateLimitedError: an online voice wants us to wait.
        """
        suite, case, _ = await self._suites.case(request)
        chosen = self._voices.choose(request.key.language, suite.voice_of(case, request.key.profile))
        utterances: list[Utterance] = []
        async with heartbeats(lambda: f"{len(utterances)} utterances"):
            for index, turn in enumerate(case.steps):
                text = turn.say
                if text is not None:
                    audio, duration_ms = await asyncio.to_thread(self._once, chosen, text)
                    utterances.append(Utterance(turn=index, audio=audio, duration_ms=duration_ms))
        return CallerSpeech(utterances=tuple(utterances))

    def _once(self, chosen: ChosenVoice, text: str) -> tuple[ArtifactRef, int]:
        """The stored utterance; made now if nobody has made it yet and nobody is making it."""
        recipe = json.dumps([_FORMAT, chosen.identity, text])
        key = speech_key(hashlib.sha256(recipe.encode()).hexdigest())
        claim = key.removesuffix(".wav") + ".claim"
        while True:
            if (stored := self._store.get_if_present(key)) is not None:
                return self._found(key, stored)
            if self._store.put_if_absent(claim, str(time.time()).encode(), "text/plain") is not None:
                break
            if self._abandoned(claim):
                self._store.delete(claim)
            time.sleep(_POLL_S)
        try:
            if (stored := self._store.get_if_present(key)) is not None:  # finished between look and claim
                return self._found(key, stored)
            speech = normalise_loudness(trim_silence(chosen.speak(text).at_rate(RATE_HZ)))
            wav = wav_bytes([speech.samples], RATE_HZ)
            return self._store.put(key, wav, "audio/wav"), speech.duration_ms
        finally:
            self._store.delete(claim)

    def _found(self, key: str, wav: bytes) -> tuple[ArtifactRef, int]:
        return self._store.reference(key, wav, "audio/wav"), read_wav(wav)[0].duration_ms

    def _abandoned(self, claim: str) -> bool:
        since = self._store.get_if_present(claim)
        return since is not None and time.time() - float(since) > _CLAIM_S
