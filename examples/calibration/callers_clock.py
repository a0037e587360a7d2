"""What a far end did, told by its caller's own clock: on a busy machine frames arrive late, and answers leave late."""

import math

_PAUSE_S = 0.3


class CallersClock:
    """One call. Times are seconds on the far end's clock, stamps seconds of the caller's stream."""

    def __init__(self) -> None:
        self._zero_s = math.inf
        self._answers: list[tuple[float, float]] = []
        self._stops: list[tuple[float, float]] = []
        self._sound_s = (-math.inf, -math.inf)
        self._loud_s = -math.inf
        self._after: dict[str, list[float]] = {"answered_after_ms": [], "stopped_after_ms": []}

    def arrived(self, at_s: float, stamp_s: float) -> None:
        """A frame. The promptest of all tells when the stream began: none can come before it was sent."""
        self._zero_s = min(self._zero_s, at_s - stamp_s)

    def sounded(self, at_s: float, *, loud: bool) -> None:
        """A frame that is not plain silence."""
        began_s, last_s = self._sound_s
        self._sound_s = (at_s if at_s - last_s > _PAUSE_S else began_s, at_s)
        if loud:
            self._loud_s = at_s

    def answered(self, at_s: float, stamp_s: float) -> None:
        """An answer began; the caller's last loud frame has this stamp."""
        self._answers.append((at_s, stamp_s))
        self._after["answered_after_ms"].append(round(1000 * (at_s - self._loud_s), 1))

    def stopped(self, at_s: float, stamp_s: float) -> None:
        """An answer was cut; the first loud frame of who talked into it has this stamp."""
        self._stops.append((at_s, stamp_s))
        self._after["stopped_after_ms"].append(round(1000 * (at_s - self._sound_s[0]), 1))

    def report(self) -> dict[str, list[float]]:
        """Milliseconds from when the frame was due to each answer and to each stop.

        And, as `..._after_ms`, from when it came: the last loud one to the answer, the first sound of who talked into
        it to the stop.
        """
        due = {"answered_ms": self._since_due(self._answers), "stopped_ms": self._since_due(self._stops)}
        return due | self._after

    def _since_due(self, what: list[tuple[float, float]]) -> list[float]:
        return [round(1000 * (at_s - stamp_s - self._zero_s), 1) for at_s, stamp_s in what]
