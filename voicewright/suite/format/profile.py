"""Caller profiles: the same words from another mouth, room and network, reproducible by seed.

profiles:
  street:
    noise: {kind: pink, snr_db: 10}     # or {file: street.wav, snr_db: 10}
    volume_db: -6
  bad-line:
    codec: opus
    bitrate_kbps: 8
    loss: 0.05                          # of our frames, at random
    jitter_ms: 60
  hasty: {voice: {speed: 1.3}}
defaults: {profiles: [plain, street]}   # `plain` is the caller without a profile
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from voicewright.suite.format.part import Part, Text

PLAIN = "plain"
"""The caller as is; needs no definition."""


class Voice(Part):
    """Who speaks for the caller. What is not given, the installation's settings decide."""

    engine: Literal["piper", "kokoro", "espeak", "gtts"] | None = None
    name: Text | None = Field(default=None, description="A voice of the engine.")
    speed: Annotated[float, Field(ge=0.5, le=2.0, strict=False)] = 1.0


class Noise(Part):
    """What is heard behind the caller, all through the call."""

    kind: Literal["white", "pink", "brown"] = "pink"
    file: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = Field(
        default=None,
        description="A 16-bit WAV file beside the suite, or in the bucket as `noise/NAME`; instead of `kind`.",
    )
    snr_db: Annotated[float, Field(ge=-20, le=60, strict=False)] = Field(
        default=15, description="How far the caller's speech stands above it."
    )


class Profile(Part):
    """What makes a caller hard to understand."""

    voice: Voice | None = Field(default=None, description="Replaces the case's voice.")
    volume_db: Annotated[float, Field(ge=-40, le=12, strict=False)] = 0.0
    noise: Noise | None = None
    codec: Literal["g711", "gsm", "opus"] | None = Field(
        default=None, description="The caller's own telephone: gsm is AMR-NB at 12.2 kbit/s, GSM's enhanced full rate."
    )
    bitrate_kbps: Annotated[int, Field(ge=6, le=64)] = Field(default=8, description="Of `codec: opus`.")
    telephone_band: bool = Field(default=False, description="300 to 3400 Hz.")
    loss: Annotated[float, Field(ge=0, le=0.5, strict=False)] = Field(default=0.0, description="Share of frames lost.")
    jitter_ms: Annotated[int, Field(ge=0, le=500)] = Field(default=0, description="How late a frame may leave.")
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _opus(self) -> "Profile":
        if "bitrate_kbps" in self.model_fields_set and self.codec != "opus":
            msg = "bitrate_kbps is for `codec: opus`"
            raise ValueError(msg)
        return self
