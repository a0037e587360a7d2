"""What a calls worker and its SIP process tell each other, besides audio.

Orders go to the process, news come back; `do` and `news` say which is which. Nothing else may stand in a message: one
that does not fit is an error, and ends the connection (`activities.channels.sip.wire`).
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from activities.channels.sip.dialog import Dialog
from activities.channels.sip.reason import Reason
from voicewright.suite.format.agent import SipCodec, SipEncryption


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Message):
    """Who calls, and through which server."""

    user: str
    domain: str
    username: str | None
    password: Annotated[str, Field(repr=False)]
    proxy: str | None
    registers: bool
    transport: Literal["udp", "tcp", "tls"]
    codecs: tuple[SipCodec, ...]
    srtp: SipEncryption


class Dial(_Message):
    """Set up a call."""

    do: Literal["dial"] = "dial"
    uri: str
    headers: dict[str, str]
    ring_s: int
    account: Account


class Press(_Message):
    """Press a key."""

    do: Literal["press"] = "press"
    key: Annotated[str, Field(min_length=1, max_length=1)]


class HangUp(_Message):
    """End a call, whatever state it is in."""

    do: Literal["hang_up"] = "hang_up"


Order = Dial | Press | HangUp


class Refusal(StrEnum):
    """Why there is no call: what it means for the worker, whatever words the stack or the agent's side had for it."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    LATER = "later"
    """The agent's side is there and cannot take the call now."""
    UNREACHABLE = "unreachable"
    """Nothing answered at all."""
    NO_ROUTE = "no_route"
    """No interface of this machine leads there."""
    MOVED = "moved"
    """It is to be called elsewhere."""
    UNUSABLE = "unusable"
    """It took the call, but with an answer of which no call can be made: nobody is rung for that again."""
    LOST = "lost"
    """It took the call, and we lost hold of it."""
    FOR_GOOD = "for_good"
    """Refused, and trying again cannot help."""


class Ready(_Message):
    """The process takes orders."""

    news: Literal["ready"] = "ready"


class Up(_Message):
    """A call is established; from now on audio goes both ways."""

    news: Literal["up"] = "up"
    tx_hz: int
    rx_hz: int
    tx_channels: int
    rx_channels: int
    codec: str
    """As SDP names it; empty where the answer was not seen."""
    dialog: Dialog | None
    """With which the worker ends the call if this process dies."""
    takes_keys: bool = True
    """Whether the far end takes keys as events."""
    on_hold: bool = False
    """Whether it does not listen yet."""


class Failed(_Message):
    """There is no call."""

    news: Literal["failed"] = "failed"
    why: Refusal
    status: int | None = None
    """Of the final SIP answer, where there was one."""
    reason: str = ""
    """For people."""
    retry_after_s: float | None = None
    """When to try again, where the far end named a time."""
    moved_to: tuple[str, ...] = ()
    """Where the far end wants to be called instead."""


class Hold(_Message):
    """The far end does not listen any more, or listens again."""

    news: Literal["hold"] = "hold"
    on: bool


class Key(_Message):
    """The agent pressed a key, at a time on the monotonic clock."""

    news: Literal["key"] = "key"
    key: str
    at_s: float


class Transfer(_Message):
    """The agent asked for a transfer, at a time on the monotonic clock."""

    news: Literal["transfer"] = "transfer"
    to: str
    at_s: float


class Closed(_Message):
    """A call that was up is over."""

    news: Literal["closed"] = "closed"
    reason: str = ""
    """The stack's word for it."""
    reasons: tuple[Reason, ...] = ()
    """The far end's."""
    packets: int = 0
    """RTP packets that came, each counted once."""
    packets_lost: int = 0
    """By their sequence numbers."""
    jitter_ms: float = 0.0
    """Interarrival jitter (RFC 3550)."""


News = Ready | Up | Failed | Hold | Key | Transfer | Closed

ORDERS: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])
NEWS: TypeAdapter[News] = TypeAdapter(Annotated[News, Field(discriminator="news")])
