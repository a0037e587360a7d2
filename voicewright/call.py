"""What a call leaves behind: a stereo recording and a timeline, both on one clock."""

from enum import StrEnum

from pydantic import JsonValue

from voicewright.artifact import ArtifactRef
from voicewright.contract import Contract


class CallEnd(StrEnum):
    """Why the conversation stopped."""

    COMPLETED = "completed"
    """Every turn was held; the caller hung up."""
    AGENT_HUNG_UP = "agent_hung_up"
    """The agent closed the line before the last turn was over."""
    AGENT_SILENT = "agent_silent"
    """The agent said nothing on a live line for the suite's `answer_ms`."""
    TRANSFERRED = "transferred"
    """The agent handed the call on."""
    WAITED_IN_VAIN = "waited_in_vain"
    """The agent did not say what a turn's `wait_for` waited for."""
    TOO_LONG = "too_long"
    """The suite's `call_s` ran out."""


class Side(StrEnum):
    """Left channel of the recording: caller. Right channel: agent."""

    CALLER = "caller"
    AGENT = "agent"


class Speech(Contract):
    """A stretch of speech on one side, in ms from the start of the recording."""

    side: Side
    start_ms: int
    end_ms: int
    turn: int | None = None
    """Index of the suite's turn: the one that the caller speaks, or that the agent answers."""


class TurnTiming(Contract):
    """One turn of the suite as it was really held. All times in ms from the start of the recording."""

    turn: int
    caller_start_ms: int | None = None
    caller_end_ms: int | None = None
    agent_start_ms: int | None = None
    agent_end_ms: int | None = None
    ttfa_ms: int | None = None
    """Time to first audio: the agent's first speech minus the caller's last, or minus the start of the
    call for a greeting. Negative when the agent began while the caller still spoke."""
    overlap_ms: int = 0
    """How long the agent talked over the caller in this turn."""
    interrupts: bool = False
    """Whether the caller began while the agent spoke, as the suite wants it."""
    stop_ms: int | None = None
    """Interruption stop time: from the caller's first sound to the agent's last one before it gave way."""


class CallEvent(Contract):
    """Something besides audio: a key, a transfer, an answer in writing. `at_ms` from the start of the recording."""

    kind: str
    value: str
    at_ms: int
    turn: int | None = None
    data: dict[str, JsonValue] = {}


class Network(Contract):
    """How the agent's audio came through, as far as the channel can know."""

    codec: str = ""
    packets: int = 0
    packets_lost: int = 0
    jitter_ms: float = 0.0


class Pacing(Contract):
    """How well our own side kept time: the proof that the caller's audio went out whole.

    Lateness is of a frame's real sending time against its nominal one, in ms.
    """

    frames: int
    frames_lost: int
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float


class Waveform(Contract):
    """Outlines of both sides for pages; see `voicewright.report.waveform`."""

    caller: str
    agent: str


class CallRecord(Contract):
    """Everything known about one call; stored as `call.json` beside its recording."""

    channel: str
    end: CallEnd
    end_detail: str = ""
    recording: ArtifactRef
    sample_rate_hz: int
    duration_ms: int
    dials: int
    """How many times this case was dialled; more than one only after a call of ours died unrecorded."""
    turns: tuple[TurnTiming, ...]
    speech: tuple[Speech, ...]
    pacing: Pacing
    waveform: Waveform | None = None
    events: tuple[CallEvent, ...] = ()
    network: Network | None = None


class CallSummary(Contract):
    """What the workflow keeps of a call: enough for a person who reads its history."""

    record: ArtifactRef
    recording: ArtifactRef
    end: CallEnd
    duration_ms: int
    dials: int
    turns_held: int
