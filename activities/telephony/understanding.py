"""Live ears: what the agent says, understood while the call goes on. Only scripts that branch or wait use them."""

import asyncio
from collections.abc import Callable

from activities.audio import Audio, Samples
from activities.checks.meaning.pair import Pair
from activities.checks.spoken import contains
from activities.ports import MeaningJudge, Recogniser
from voicewright.pattern import compile_pattern
from voicewright.suite import in_language
from voicewright.turn import Said

_HEARS_HZ = 16_000
_MEANS = 0.5
"""A branch is a guess that costs nothing but a strange conversation: the likelier side wins."""


class Understanding:
    """Ears of one call. Models are loaded on first use, in a thread.

    Args:
        recogniser: speech to text.
        judge: of meaning; called only for conditions on it.
        language: of the conversation.
    """

    def __init__(self, recogniser: Recogniser, judge: Callable[[], MeaningJudge], language: str) -> None:
        self._recogniser = recogniser
        self._judge = judge
        self._language = language

    async def understand(self, samples: Samples, rate_hz: int) -> str:
        """See `LiveEars`."""

        def recognise() -> str:
            audio = Audio(samples, rate_hz).at_rate(_HEARS_HZ)
            return " ".join(word.text for word in self._recogniser.recognise(audio.as_float(), self._language))

        return await asyncio.to_thread(recognise)

    async def holds(self, said: Said, text: str) -> bool:
        """See `LiveEars`."""
        patterns = in_language(said.matches, self._language) or []
        if patterns and not any(compile_pattern(pattern)(text) for pattern in patterns):
            return False
        phrases = in_language(said.contains, self._language) or []
        if phrases and not any(contains(text, phrase, self._language) for phrase in phrases):
            return False
        meaning = in_language(said.meaning, self._language)
        if meaning is None:
            return True
        if not text.strip():
            return False
        pair = Pair(expected=meaning, actual=text, language=self._language)
        judged = await asyncio.to_thread(lambda: self._judge().judge([pair]))
        return judged[0].p_pass >= _MEANS
