"""What a desk needs of the mind behind it."""

from typing import Protocol


class Reply(Protocol):
    """What to say, and how."""

    @property
    def text(self) -> str:
        """The words; none means silence."""

    @property
    def spanish(self) -> bool:
        """Said by a Spanish voice."""

    @property
    def after_s(self) -> float:
        """How long to wait before the answer, in seconds."""

    @property
    def mumbled(self) -> bool:
        """Said so that nobody understands it."""

    @property
    def played(self) -> float:
        """The share of the speech that is played before the voice stops."""

    @property
    def hang_up(self) -> bool:
        """Whether to hang up afterwards."""

    @property
    def deaf(self) -> bool:
        """Whether the caller is not listened to while this is said."""


class Mind(Protocol):
    """One caller's conversation."""

    def greet(self) -> Reply:
        """What a caller hears first."""

    def answer(self, said: str) -> Reply:
        """The reply to what a caller said, as the recogniser understood it."""

    def patience_ms(self) -> int | None:
        """How long a caller may speak before the agent talks over them; None if there is no limit."""
