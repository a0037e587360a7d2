"""Whom to call: one model per channel, chosen by `channel`."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, JsonValue, ValidationError, field_validator

from voicewright.suite.format.address import (
    AsItStands,
    HostAddress,
    WithPort,
    WithSecrets,
    without_password,
    without_query,
)
from voicewright.suite.format.channel import ChannelCapabilities, KeyPresses
from voicewright.suite.format.part import Part, Text

Secrets = "`${secret:NAME}` is filled in by the calls worker."


class Target(Part):
    """What all targets can do."""

    capabilities: ClassVar[ChannelCapabilities]

    @property
    def ring_ms(self) -> int:
        """How long setting up a call may take, besides the conversation."""
        return getattr(self, "ring_s", 0) * 1000

    @property
    @abstractmethod
    def shown(self) -> str:
        """The address, without what might be a secret."""

    _address: ClassVar[str] = "url"
    """The field that holds it."""

    def at(self, address: str) -> Self:
        """The same agent at another address.

        Raises:
            ValueError: the channel cannot call such an address.
        """
        try:
            return type(self).model_validate({**self.model_dump(by_alias=True), self._address: address})
        except ValidationError as error:
            why = [f": {one['ctx']['error']}" for one in error.errors() if one["type"] == "value_error"]
            msg = f"{address!r} is no address of the channel {self.channel_name()}{''.join(why[:1])}"
            raise ValueError(msg) from None

    @classmethod
    def channel_name(cls) -> str:
        """The `channel` of this target."""
        return str(get_args(cls.model_fields["channel"].annotation)[0])


class MediaStreamTarget(Target):
    """An agent that speaks Twilio Media Streams at a WebSocket endpoint of its own."""

    capabilities = ChannelCapabilities(keys=KeyPresses.EVENT, sees_transfer=True, dials_again=True)

    channel: Literal["media_stream"]
    url: Annotated[HostAddress, Field(pattern=r"^wss?://[^\s/]+")]
    headers: dict[str, WithSecrets] = Field(default={}, description=f"Sent with the handshake; {Secrets}")
    parameters: dict[str, AsItStands] = Field(default={}, description="customParameters of the start message.")
    auth_token: WithSecrets | None = Field(
        default=None, description="Twilio auth token to sign the handshake with, as `${secret:NAME}`."
    )

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


SipCodec = Literal["pcmu", "pcma", "g722", "opus"]
SipEncryption = Literal["off", "offered", "required"]


class SipTarget(Target):
    """An agent that answers SIP calls, directly or behind a proxy or carrier."""

    capabilities = ChannelCapabilities(keys=KeyPresses.EVENT, sees_transfer=True)
    _address = "uri"

    channel: Literal["sip"]
    uri: Annotated[Text, Field(pattern=r"^sips?:[^\s<>]+$"), WithPort] = Field(
        description="`sip:agent@host:port;transport=tcp`"
    )
    caller: Annotated[Text, Field(pattern=r"^sips?:[^\s<>@]+@[^\s<>]+$"), WithPort] = Field(
        default="sip:voicewright@voicewright.invalid", description="Our own address, as the agent sees it."
    )
    username: Annotated[str, Field(min_length=1, pattern=r'^[^\s;<>"\\]+$')] | None = Field(
        default=None, description="For digest authentication, where not the caller's user."
    )
    password: WithSecrets | None = Field(default=None, description=Secrets)
    proxy: Annotated[Text, Field(pattern=r"^sips?:[^\s<>]+$"), WithPort] | None = Field(
        default=None, description="Outbound proxy: `sip:proxy.example.com;transport=tls`."
    )
    register_first: bool = Field(default=False, alias="register", description="Register with the proxy or domain.")
    headers: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], Annotated[WithSecrets, Field(pattern=r"^[^\r\n]+$")]
    ] = Field(default={}, description=f"Added to the INVITE; {Secrets}")
    codecs: Annotated[list[SipCodec], Field(min_length=1)] = Field(
        default=["pcmu", "pcma"], description="What is offered, best first."
    )
    srtp: SipEncryption = Field(default="off", description="Encryption of the media (SDES).")
    ring_s: Annotated[int, Field(ge=1, le=300)] = Field(default=30, description="How long it may ring.")

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_password(self.uri)


class TwilioTarget(Target):
    """An agent behind a telephone number, called through Twilio."""

    capabilities = ChannelCapabilities(keys=KeyPresses.TONES, on_account=True)
    _address = "to"

    channel: Literal["twilio"]
    to: Annotated[Text, Field(pattern=r"^\+[1-9]\d{6,14}$")] = Field(description="In E.164: `+14155550100`.")
    ring_s: Annotated[int, Field(ge=5, le=300)] = Field(default=40, description="How long it may ring.")
    record: bool = Field(default=False, description="Let Twilio record as well; fetched and stored beside ours.")
    machine_detection: Literal["off", "note", "hang_up"] = Field(
        default="off", description="What Twilio thinks of who answers: noted, or a machine is hung up on."
    )

    @property
    def shown(self) -> str:
        """See `Target`."""
        return self.to


class HoundifyTarget(Target):
    """A Houndify client's domains, asked by voice or in writing."""

    capabilities = ChannelCapabilities(keys=KeyPresses.NONE, structured_answers=True, dials_again=True, takes_text=True)

    channel: Literal["houndify"]
    url: Annotated[HostAddress, Field(pattern=r"^https?://[^\s/]+")] = "https://api.houndify.com"
    client_id: WithSecrets = Field(default="${secret:HOUNDIFY_CLIENT_ID}", description=Secrets)
    client_key: WithSecrets = Field(default="${secret:HOUNDIFY_CLIENT_KEY}", description=Secrets)
    user_id: AsItStands | None = Field(default=None, description="One for each call where it is left out.")
    mode: Literal["voice", "text"] = Field(default="voice", description="`text` is a fast smoke run without speech.")
    voice: Text | None = Field(default=None, description="ResponseAudioVoice: the answer comes as sound as well.")
    request_info: dict[Text, JsonValue] = Field(default={}, description="More of the request info: `Latitude`, ...")

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


class OpenAiRealtimeTarget(Target):
    """An agent behind a server that speaks OpenAI's Realtime protocol."""

    capabilities = ChannelCapabilities(keys=KeyPresses.TONES, structured_answers=True, dials_again=True)

    channel: Literal["openai_realtime"]
    url: Annotated[HostAddress, Field(pattern=r"^wss?://[^\s/]+")] = Field(
        default="wss://api.openai.com/v1", description="Without `/realtime`, which the protocol adds."
    )
    model: Text = "gpt-realtime"
    api_key: WithSecrets = Field(default="${secret:OPENAI_API_KEY}", description=Secrets)
    headers: dict[str, WithSecrets] = Field(default={}, description=f"Sent with the handshake; {Secrets}")
    audio: Literal["pcm", "pcmu"] = Field(default="pcm", description="24 kHz, or telephone quality.")
    session: dict[Text, JsonValue] = Field(default={}, description="More of the session: `instructions`, `tools`, ...")
    greets: bool = Field(default=False, description="Ask the agent to speak first.")

    @field_validator("session")
    @classmethod
    def _answers_by_itself(cls, session: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Refuse a session in which the server waits for a client to say that the caller has finished."""
        audio = session.get("audio", {})
        sides = [audio.get(side, {}) for side in ("input", "output")] if isinstance(audio, dict) else [audio]
        heard = sides[0]
        if not isinstance(heard, dict) or not all(isinstance(side, dict) for side in sides):
            msg = "`audio`, `audio.input` and `audio.output` are mappings"
            raise ValueError(msg)
        places = [("audio.input.turn_detection", heard), ("turn_detection", session)]
        for where, holder in places:
            found = holder.get("turn_detection", {})
            if found is None or (isinstance(found, dict) and found.get("create_response") is False):
                what = "null" if found is None else "create_response: false"
                msg = (
                    f"`{where}: {what}`: nobody would tell the server that the caller has finished, and it would never "
                    "answer; leave it out, or choose `type: server_vad` or `semantic_vad`"
                )
                raise ValueError(msg)
        if session.get("type", "realtime") != "realtime":
            msg = f"`type: {session['type']}`: such a session answers nobody"
            raise ValueError(msg)
        return session

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


_AnyTarget = MediaStreamTarget | SipTarget | TwilioTarget | HoundifyTarget | OpenAiRealtimeTarget
AgentTarget = Annotated[_AnyTarget, Field(discriminator="channel")]
"""Whom to call."""

CHANNELS: Mapping[str, ChannelCapabilities] = {
    target.channel_name(): target.capabilities for target in get_args(_AnyTarget)
}
"""What each channel can do, by its name."""
