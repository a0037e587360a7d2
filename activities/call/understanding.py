"""Live ears: what the agent says, understood while the call goes on. Only scripts that branch or wait use them."""

import asyncio
from collections.abc import Callable

from activities.audio.pcm import Audio, Samples
from activities.ports.judging import MeaningJudge
from activities.ports.speech import Recogniser
from voicewright.judge.pair import Pair
from voicewright.judge.text.phrases import contains
from voicewright.pattern import compile_pattern
from voicewright.suite.format.spoken import SpokenCondition

_HEARS_HZ = 16_000
_MEANS = 0.5
"""A branch is a guess that costs nothing but a strange conversation: the likelier side wins."""


class Understanding:
    """Ears of one call. Their models are asked for in a thread.

    Args:
        recogniser: speech to text; asked for when something is to be heard.
        judge: of meaning; asked for only for conditions on it.
        language: of the conversation.
    """

    def __init__(self, recogniser: Callable[[], Recogniser], judge: Callable[[], MeaningJudge], language: str) -> None:
        self._recogniser = recogniser
        self._judge = judge
        self._language = language

    async def understand(self, samples: Samples, rate_hz: int) -> str:
        """See `LiveEars`."""

        def recognise() -> str:
            audio = Audio(samples, rate_hz).at_rate(_HEARS_HZ)
            return " ".join(word.text for word in self._recogniser().recognise(audio.as_float(), self._language))

        return await asyncio.to_thread(recognise)

    async def holds(self, said: SpokenCondition, text: str) -> bool:
        """See `LiveEars`."""
        if said.matches and not any(compile_pattern(pattern)(text) for pattern in said.matches):
            return False
        if said.contains and not any(contains(text, phrase, self._language) for phrase in said.contains):
            return False
        if said.meaning is None:
            return True
        if not text.strip():
            return False
        pair = Pair(expected=said.meaning, actual=text, language=self._language)
        judged = await asyncio.to_thread(lambda: self._judge().judge([pair]))
        return judged[0].p_pass >= _MEANS
