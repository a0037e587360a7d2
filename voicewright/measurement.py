"""What was measured on a call. Each figure is defined in docs/checks.md; what could not be measured is None."""

from voicewright.contract import Contract


class Measurements(Contract):
    """Of one call. Times in ms, levels in dB relative to full scale, shares from 0 to 1."""

    latency_p50_ms: int | None = None
    """Of the response latencies of its turns; greetings are none."""
    latency_p90_ms: int | None = None
    latency_p95_ms: int | None = None
    latency_p99_ms: int | None = None
    stop_ms: int | None = None
    """The longest interruption stop time."""
    false_interruptions: int = 0
    """Turns in which the agent began while the caller spoke."""
    overlap_ms: int = 0
    """Both sides speaking at once, in all."""
    dead_air_ms: int = 0
    """The longest stretch in which neither side spoke."""
    talk_ratio: float | None = None
    """The agent's share of all speech."""
    words_per_minute: float | None = None
    level_dbfs: float | None = None
    clipping: float = 0.0
    """Share of the agent's samples at the limit of the scale."""
    quality: float | None = None
    """DNSMOS P.835 overall, 1 to 5; only where the suite limits it."""
    caller_error_rate: float | None = None
    """Of our caller's words as the recogniser heard them; characters in languages that are counted so."""
    packets_lost: float | None = None
    """Share of the agent's packets, where the channel has any."""


def percentile(values: list[int], percent: int) -> int | None:
    """The value under which so many percent of the others lie, interpolated; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
