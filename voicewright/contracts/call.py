"""What a call leaves behind: a stereo recording and a timeline, both on one clock."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import JsonValue, model_validator

from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.base import Contract
from voicewright.contracts.text import FREE_TEXT, Passage, Sentence


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
    WENT_ON = "went_on"
    """The agent gave the call other instructions at its carrier, with which it goes on out of our sight."""
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
    call for a greeting. After keys, minus the moment in which the last one was pressed. Negative when the agent began
    while the caller still spoke."""
    overlap_ms: int = 0
    """How long the agent talked over the caller in this turn: speech that began while the caller spoke."""
    interrupts: bool = False
    """Whether the caller began while the agent spoke, as the suite wants it."""
    stop_ms: int | None = None
    """Interruption stop time: from the caller's first sound to the agent's last one before it gave way, which is to
    be silent until the caller is done. An agent that never gave way: to the end of what it went on saying."""
    resumed: bool = False
    """It fell silent while the caller spoke, and went on before they were done."""
    busy_ms: int = 0
    """Of an agent on this machine: how long work waited for a free processor between the caller's last sound and the
    agent's first. So much of `ttfa_ms` may be the machine's."""


class CallEventKind(StrEnum):
    """What a call may hold besides audio."""

    KEY = "key"
    """The agent pressed a key; `value` is the key."""
    PRESSED = "pressed"
    """The caller pressed a key; `value` is the key."""
    TRANSFER = "transfer"
    """The agent hands the call on; `value` is where to."""
    WENT_ON = "went_on"
    """The call goes on at its carrier, where nobody follows it; `value` is with what."""
    ANSWER = "answer"
    """The agent's words as its protocol has them; `value` is the text."""
    NOTE = "note"
    """Anything else worth keeping: ringing, what answered."""


class StructuredAnswer(Contract):
    """What the agent's protocol says of an answer besides its words."""

    intent: Sentence | None = None
    """The intent that the agent understood, or the function that it calls."""
    result: Annotated[JsonValue, FREE_TEXT] = None
    """The intent's values, or the function's arguments."""
    partial: bool = False
    """Whether parts of `result` were left out for their size."""
    understood: Passage = ""
    """What the agent understood of the caller's words."""


class CallEvent(Contract):
    """Something besides audio: a key, a transfer, an answer in writing. `at_ms` from the start of the recording."""

    kind: CallEventKind
    value: Passage
    at_ms: int
    turn: int | None = None
    answer: StructuredAnswer | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_an_older_worker(cls, given: Any) -> Any:  # noqa: ANN401 - whatever is validated
        """Older workers wrote `data`, a dictionary, in the place of `answer`."""
        if not isinstance(given, dict) or "answer" in given:
            return given
        data = given.get("data")
        if not isinstance(data, dict) or "intent" not in data:
            return given
        intent, understood = data["intent"], data.get("understood")
        return {
            **given,
            "answer": {
                "intent": intent if isinstance(intent, str) else None,
                "result": data.get("result"),
                "understood": understood if isinstance(understood, str) else "",
            },
        }


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
    end_detail: Sentence = ""
    recording: ArtifactRef
    sample_rate_hz: int
    duration_ms: int
    started_at: str = ""
    """ISO 8601, in the local time of the machine that called; empty in records of older workers."""
    dials: int
    """How many times this case was dialled; more than one only after a call of ours died unrecorded."""
    turns: tuple[TurnTiming, ...]
    speech: tuple[Speech, ...]
    pacing: Pacing
    waveform: Waveform | None = None
    events: tuple[CallEvent, ...] = ()
    network: Network | None = None

    @property
    def day(self) -> date | None:
        """The day of the call, for answers that speak of tomorrow."""
        return datetime.fromisoformat(self.started_at).date() if self.started_at else None


class CallSummary(Contract):
    """What the workflow keeps of a call: enough for a person who reads its history."""

    record: ArtifactRef
    recording: ArtifactRef
    end: CallEnd
    duration_ms: int
    dials: int
    turns_held: int
