"""The telephone line, for benches that need no call."""

from activities.audio import Audio
from activities.telephony.g711 import RATE_HZ as LINE_HZ
from activities.telephony.g711 import decode, encode

RATE_HZ = 16_000
"""Rate at which the recogniser hears."""


def over_the_line(audio: Audio) -> Audio:
    """What is left at 16 kHz of a voice that went through G.711."""
    return Audio(decode(encode(audio.at_rate(LINE_HZ).samples)), LINE_HZ).at_rate(RATE_HZ)
