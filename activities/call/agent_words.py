"""What the agent says, understood while the call goes on: for scripts that wait for words or branch on them."""

from collections.abc import Sequence

from activities.audio.voice_activity import VoiceActivity
from activities.call.held import HeldEvent
from activities.call.pacing import CallOverError, Pacer
from activities.ports.line import LiveEars
from voicewright.contracts.call import CallEnd, CallEventKind
from voicewright.suite.format.spoken import SpokenCondition

_PHRASE_MS = 300
"""So much quiet ends a phrase that a waiting caller understands."""
_LONG_PHRASE_MS = 4000
"""A phrase without a pause is listened to after so long."""


class AgentWords:
    """The agent's words on one call.

    Args:
        pacer: the call.
        activity: when the agent speaks.
        events: those of the call, which grow; its answers in writing are among them.
        ears: understands its speech; None where no script depends on that.
    """

    def __init__(
        self, pacer: Pacer, activity: VoiceActivity, events: Sequence[HeldEvent], ears: LiveEars | None
    ) -> None:
        self._pacer = pacer
        self._activity = activity
        self._events = events
        self._ears = ears

    async def since(self, at: int, until: int | None = None) -> str:
        """What the agent has said since a time, in samples, as far as it came; or as far as `until`."""
        words = [event.value for event in self._answers() if event.at >= at and (until is None or event.at < until)]
        if words:
            return " ".join(words)
        sound = self._pacer.agent[max(0, at) : until]
        return await self._pacer.ticking(self._require_ears().understand(sound, self._pacer.rate_hz))

    async def hold(self, said: SpokenCondition, text: str) -> bool:
        """Whether words fit a condition of the suite."""
        return await self._pacer.ticking(self._require_ears().holds(said, text))

    async def wait_for(self, wanted: SpokenCondition, since: int, limit_ms: int) -> None:
        """Until the agent has said something that fits: since a time, in samples, or from now on.

        Understanding takes time, on a busy machine much of it. What was said in time and not yet understood when the
        time is up is understood before the agent is blamed.

        Raises:
            CallOverError: it did not, within `limit_ms` from now.
        """
        began = self._pacer.now
        heard_until, written = since, 0
        while self._pacer.now - began < self._pacer.samples(limit_ms):
            await self._pacer.tick()
            spans = [span for span in self._activity.spans if span.end > heard_until]
            pause = not self._activity.speaking and self._activity.quiet_for() >= self._pacer.samples(_PHRASE_MS)
            phrase = bool(spans) and (pause or spans[-1].end - heard_until >= self._pacer.samples(_LONG_PHRASE_MS))
            answers = len(self._answers())
            if phrase or answers > written:
                heard_until, written = spans[-1].end if spans else heard_until, answers
                if await self.hold(wanted, await self.since(since)):
                    return
        end = began + self._pacer.samples(limit_ms)
        unheard = any(span.end > heard_until and span.start < end for span in self._activity.spans)
        if unheard and await self.hold(wanted, await self.since(since, end)):
            return
        raise CallOverError(CallEnd.WAITED_IN_VAIN, f"the agent did not say what was waited for within {limit_ms} ms")

    def _answers(self) -> list[HeldEvent]:
        return [event for event in self._events if event.kind is CallEventKind.ANSWER]

    def _require_ears(self) -> LiveEars:
        assert self._ears is not None, "a script that depends on words needs ears"
        return self._ears
