"""A call as the checks see it."""

from dataclasses import dataclass

from activities.audio.pcm import Audio
from voicewright.contracts.call import CallRecord
from voicewright.contracts.transcript import Transcript


@dataclass(frozen=True)
class Call:
    """All that there is of one call, read back from the store."""

    record: CallRecord
    caller: Audio
    agent: Audio
    transcript: Transcript
