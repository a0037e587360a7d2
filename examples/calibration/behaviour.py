"""What a caller can ask of the calibration telephone."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field


class Behaviour(BaseModel, frozen=True):
    """Read from the parameters of the request URI; those that SIP itself defines, such as `transport`, are ignored."""

    delay_ms: int = Field(
        800, ge=0, description="from the arrival of the caller's last loud frame to the answer's first sample"
    )
    stop_ms: int = Field(
        300, ge=0, description="from the arrival of the caller's first loud frame to the agent's silence"
    )
    ignore: bool = Field(False, description="do not stop when the caller talks; answer afterwards")
    long: bool = Field(False, description="answer for about 8 s without a pause in the sound")
    silent: bool = Field(False, description="send only silence")
    mute: bool = Field(False, description="send no RTP at all")
    loss: float = Field(0, ge=0, le=1, description="share of packets that are numbered but not sent")
    jitter_ms: float = Field(0, ge=0, description="longest random delay of a packet")
    duplicates: float = Field(0, ge=0, le=1, description="share of packets that are sent twice")
    ptime_ms: Annotated[Literal[10, 20, 30, 40, 60], BeforeValidator(int)] = Field(
        20, description="length of a packet, both ways; keys need 20"
    )
    seed: int = Field(0, description="makes loss, jitter and duplicates repeatable")
    keys: str = Field("", pattern=r"^[0-9*#A-D]*$", description="keys to send as telephone-events 1 s after answering")
    tones: str = Field("", pattern=r"^[0-9*#A-D]*$", description="keys to send as audible tones 1 s after answering")
    dtmf_echo: bool = Field(False, description="send every key that is received back as a telephone-event")
    hangup_ms: int | None = Field(None, ge=0, description="hang up this long after answering")
    refer: str = Field("", description="transfer the caller to this URI 1 s after answering")
