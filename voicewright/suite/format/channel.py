"""What a channel can do: declared by each target once, read by the suite checker, the planner and the call."""

from dataclasses import dataclass
from enum import StrEnum


class KeyPresses(StrEnum):
    """How the caller presses keys."""

    EVENT = "event"
    """As messages of the channel; as tones where a turn asks for them."""
    TONES = "tones"
    """As tones in the audio."""
    NONE = "none"
    """There is no keypad."""


@dataclass(frozen=True)
class ChannelCapabilities:
    """What can be done and seen on one channel."""

    keys: KeyPresses
    sees_transfer: bool = False
    """Whether it shows that the agent hands the call on, and where to."""
    structured_answers: bool = False
    """Whether the agent says what it understood: an intent and its result."""
    dials_again: bool = False
    """Whether a call of unknown fate may be dialled again: nobody's telephone rings twice by that."""
    on_account: bool = False
    """Whether calls go over an account whose lines and rate are limited for all runs together."""
    takes_text: bool = False
    """Whether the caller may write instead of speak."""
