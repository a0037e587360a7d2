"""Whom to call: one model per channel, chosen by `channel`."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, ValidationError

from voicewright.suite_part import Part, Text


def without_query(url: str) -> str:
    """An address for messages, logs and results: its query or user part may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"


ADDRESS = r"^(wss?://[^\s/]+|sips?:[^\s<>]+$|https?://[^\s/]+|\+[1-9]\d{6,14}$)"
"""What may stand in place of a suite's address, whatever the channel."""
Secrets = "`${secret:NAME}` is filled in by the calls worker."


class Target(Part):
    """What all targets can do."""

    on_account: ClassVar[bool] = False
    """Whether calls go over an account whose lines and rate are limited for all runs together."""

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
        except ValidationError:
            channel = type(self).model_fields["channel"].annotation
            msg = f"{address!r} is no address of the channel {get_args(channel)[0]}"
            raise ValueError(msg) from None


class MediaStreamTarget(Target):
    """An agent that speaks Twilio Media Streams at a WebSocket endpoint of its own."""

    channel: Literal["media_stream"]
    url: Annotated[Text, Field(pattern=r"^wss?://[^\s/]+")]
    headers: dict[str, Text] = Field(default={}, description=f"Sent with the handshake; {Secrets}")
    parameters: dict[str, Text] = Field(default={}, description="customParameters of the start message.")
    auth_token: Text | None = Field(
        default=None, description="Twilio auth token to sign the handshake with, as `${secret:NAME}`."
    )

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


SipCodec = Literal["pcmu", "pcma", "g722", "opus"]


class SipTarget(Target):
    """An agent that answers SIP calls, directly or behind a proxy or carrier."""

    _address = "uri"

    channel: Literal["sip"]
    uri: Annotated[Text, Field(pattern=r"^sips?:[^\s<>]+$")] = Field(description="`sip:agent@host:port;transport=tcp`")
    caller: Annotated[Text, Field(pattern=r"^sips?:[^\s<>@]+@[^\s<>]+$")] = Field(
        default="sip:voicewright@voicewright.invalid", description="Our own address, as the agent sees it."
    )
    username: Annotated[str, Field(min_length=1, pattern=r'^[^\s;<>"\\]+$')] | None = Field(
        default=None, description="For digest authentication, where not the caller's user."
    )
    password: Text | None = Field(default=None, description=Secrets)
    proxy: Annotated[Text, Field(pattern=r"^sips?:[^\s<>]+$")] | None = Field(
        default=None, description="Outbound proxy: `sip:proxy.example.com;transport=tls`."
    )
    register_first: bool = Field(default=False, alias="register", description="Register with the proxy or domain.")
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], Annotated[Text, Field(pattern=r"^[^\r\n]+$")]] = (
        Field(default={}, description=f"Added to the INVITE; {Secrets}")
    )
    codecs: Annotated[list[SipCodec], Field(min_length=1)] = Field(
        default=["pcmu", "pcma"], description="What is offered, best first."
    )
    srtp: Literal["off", "offered", "required"] = Field(default="off", description="Encryption of the media (SDES).")
    ring_s: Annotated[int, Field(ge=1, le=300)] = Field(default=30, description="How long it may ring.")

    @property
    def shown(self) -> str:
        """See `Target`."""
        return self.uri.split(";", 1)[0].split("?", 1)[0]


class TwilioTarget(Target):
    """An agent behind a telephone number, called through Twilio."""

    on_account = True
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

    channel: Literal["houndify"]
    url: Annotated[Text, Field(pattern=r"^https?://[^\s/]+")] = "https://api.houndify.com"
    client_id: Text = Field(default="${secret:HOUNDIFY_CLIENT_ID}", description=Secrets)
    client_key: Text = Field(default="${secret:HOUNDIFY_CLIENT_KEY}", description=Secrets)
    user_id: Text | None = Field(default=None, description="One for each call where it is left out.")
    mode: Literal["voice", "text"] = Field(default="voice", description="`text` is a fast smoke run without speech.")
    voice: Text | None = Field(default=None, description="ResponseAudioVoice: the answer comes as sound as well.")
    request_info: dict[Text, JsonValue] = Field(default={}, description="More of the request info: `Latitude`, ...")

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


class OpenAiRealtimeTarget(Target):
    """An agent behind a server that speaks OpenAI's Realtime protocol."""

    channel: Literal["openai_realtime"]
    url: Annotated[Text, Field(pattern=r"^wss?://[^\s/]+")] = Field(
        default="wss://api.openai.com/v1", description="Without `/realtime`, which the protocol adds."
    )
    model: Text = "gpt-realtime"
    api_key: Text = Field(default="${secret:OPENAI_API_KEY}", description=Secrets)
    headers: dict[str, Text] = Field(default={}, description=f"Sent with the handshake; {Secrets}")
    audio: Literal["pcm", "pcmu"] = Field(default="pcm", description="24 kHz, or telephone quality.")
    session: dict[Text, JsonValue] = Field(default={}, description="More of the session: `instructions`, `tools`, ...")
    greets: bool = Field(default=False, description="Ask the agent to speak first.")

    @property
    def shown(self) -> str:
        """See `Target`."""
        return without_query(self.url)


AgentTarget = Annotated[
    MediaStreamTarget | SipTarget | TwilioTarget | HoundifyTarget | OpenAiRealtimeTarget,
    Field(discriminator="channel"),
]
"""Whom to call."""
