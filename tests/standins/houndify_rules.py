"""What Houndify refuses before it listens: wrong signatures, request infos, audio formats."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import StreamReader

Json = dict[str, Any]

WAV_HEADER_BYTES = 44
RATES_HZ = (8000, 16000)
TAGS = {
    "en-US": "English",
    "en-GB": "English",
    "de-DE": "German",
    "es-ES": "Spanish",
    "fr-FR": "French",
    "it-IT": "Italian",
    "ja-JP": "Japanese",
    "ko-KR": "Korean",
    "pt-BR": "Portuguese",
    "zh-CN": "Mandarin Chinese",
}
STRINGS = {"ClientID", "UserID", "RequestID", "SessionID", "SDK", "SDKVersion", "ResponseAudioVoice"}
STRINGS |= {"InputLanguageEnglishName", "InputLanguageIETFTag"}
BOOLEANS = {"PartialTranscriptsDesired", "ObjectByteCountPrefix", "ServerDeterminesEndOfAudio", "UseClientTime"}
NUMBERS = {"Latitude", "Longitude", "TimeStamp", "ConversationStateTime"}


class HttpRefusedError(Exception):
    """Answered with a status of HTTP and plain text, as what is no JSON from the vendor."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class StatusError(Exception):
    """Answered 200 with `"Status": "Error"` and an `ErrorMessage`."""


@dataclass(frozen=True)
class Caller:
    client_id: str
    user_id: str
    request_id: str
    timestamp: str


@dataclass
class Door:
    """Knows the clients and the requests there have been."""

    clients: Mapping[str, str]
    slack_s: float
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """Who asks.

        Raises:
            HttpRefusedError: nobody it may serve.
        """
        request = headers.get("Hound-Request-Authentication", "").split(";")
        client = headers.get("Hound-Client-Authentication", "").split(";")
        if len(request) != 2 or len(client) != 3 or not all([*request, *client]):
            raise HttpRefusedError(401, "Missing or malformed authentication headers")
        caller = Caller(client[0], request[0], request[1], client[1])
        if caller.client_id not in self.clients:
            raise HttpRefusedError(401, "Invalid Client ID")
        if not hmac.compare_digest(client[2].encode(errors="replace"), self._signature(caller)):
            raise HttpRefusedError(401, "Invalid signature")
        if not caller.timestamp.isdecimal() or abs(time.time() - int(caller.timestamp)) > self.slack_s:
            raise HttpRefusedError(403, "Timestamp is too far from the server's time")
        if (caller.client_id, caller.request_id) in self._seen:
            raise HttpRefusedError(403, "Request ID was used before")
        self._seen.add((caller.client_id, caller.request_id))
        return caller

    def _signature(self, caller: Caller) -> bytes:
        key = base64.urlsafe_b64decode(self.clients[caller.client_id])
        signed = f"{caller.user_id};{caller.request_id}{caller.timestamp}".encode()
        return base64.urlsafe_b64encode(hmac.new(key, signed, hashlib.sha256).digest())


class Upload:
    """The body of a request, as it comes in."""

    def __init__(self, stream: StreamReader) -> None:
        self.read_bytes, self.chunks = 0, 0
        self._stream = stream
        self._ahead = b""
        self._ended = stream.at_eof()
        self._counted_bytes = 0

    async def take(self, size: int) -> bytes:
        """The next `size` bytes, or fewer where it ends before."""
        taken = b""
        while len(taken) < size and (piece := await self.piece()):
            taken += piece
        taken, self._ahead = taken[:size], taken[size:] + self._ahead
        return taken

    async def piece(self) -> bytes:
        """What came next; nothing at the end."""
        if self._ahead:
            piece, self._ahead = self._ahead, b""
            return piece
        piece, ends_chunk = b"", True
        while not self._ended and not piece and ends_chunk:
            piece, ends_chunk = await self._stream.readchunk()
            self._ended = not piece and not ends_chunk
            self.read_bytes += len(piece)
            # The end of the empty chunk that ends them all is none.
            if ends_chunk and self.read_bytes > self._counted_bytes:
                self.chunks, self._counted_bytes = self.chunks + 1, self.read_bytes
        return piece


async def read_info(headers: Mapping[str, str], upload: Upload) -> Json:
    """The request info, from its header or else from the beginning of the body.

    Raises:
        HttpRefusedError: there is none.
    """
    text: str | bytes | None = headers.get("Hound-Request-Info")
    if text is None:
        length = headers.get("Hound-Request-Info-Length", "")
        if not length.isdecimal():
            raise HttpRefusedError(400, "Neither Hound-Request-Info nor a valid Hound-Request-Info-Length")
        text = await upload.take(int(length))
        if len(text) < int(length):
            raise HttpRefusedError(400, "The body is shorter than its request info")
    try:
        info = json.loads(text)
    except ValueError:
        raise HttpRefusedError(400, "Request info is not valid JSON") from None
    if not isinstance(info, dict):
        raise HttpRefusedError(400, "Request info is not a JSON object")
    return info


def refuse_bad_info(info: Json, caller: Caller) -> None:
    """Raises:
    StatusError: a field of a wrong type, or one that contradicts the signed headers.
    """
    for name, value in info.items():
        wrong = {
            "a string": name in STRINGS and not isinstance(value, str),
            "true or false": name in BOOLEANS and not isinstance(value, bool),
            "a number": name in NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)),
            "an object": name == "ConversationState" and not isinstance(value, dict | None),
            "Short or Long": name == "ResponseAudioShortOrLong" and value not in ("Short", "Long"),
        }
        for kind, is_wrong in wrong.items():
            if is_wrong:
                raise StatusError(f"The value for field {name} of RequestInfo is not {kind}.")
    signed = {"ClientID": caller.client_id, "UserID": caller.user_id, "RequestID": caller.request_id}
    for name, value in {**signed, "TimeStamp": caller.timestamp}.items():
        if str(info.get(name, value)) != value:
            raise StatusError(f"The value for field {name} of RequestInfo differs from the signed one.")
    if "WAV" not in info.get("ResponseAudioAcceptedEncodings", ["WAV"]):
        raise StatusError("None of ResponseAudioAcceptedEncodings is supported.")


def refuse_bad_language(info: Json, headers: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Raises:
    StatusError: a language it does not know, or headers and info that disagree.
    """
    told: dict[str, str | None] = {}
    names = {
        "InputLanguageIETFTag": "Hound-Input-Language-IETF-Tag",
        "InputLanguageEnglishName": "Hound-Input-Language-English-Name",
    }
    for name, header in names.items():
        told[name] = info.get(name, headers.get(header))
        if headers.get(header, told[name]) != told[name]:
            raise StatusError(f"Header {header} differs from {name} of RequestInfo.")
    tag, language = told["InputLanguageIETFTag"], told["InputLanguageEnglishName"]
    if tag is not None and tag not in tags:
        raise StatusError(f"Unsupported input language: {tag}")
    if language is not None and language not in tags.values():
        raise StatusError(f"Unsupported input language: {language}")
    if tag is not None and language is not None and tags[tag] != language:
        raise StatusError(f"InputLanguageIETFTag {tag} is not {language}.")


def wav_rate(header: bytes) -> int:
    """The sample rate in Hz. Sizes and byte rate are not looked at: the vendor's own SDK sends dummies.

    Raises:
        HttpRefusedError: no WAV header of 44 bytes, or not of 16-bit PCM, mono, at 8 or 16 kHz.
    """
    if len(header) < WAV_HEADER_BYTES or (header[:4], header[8:16], header[36:40]) != (b"RIFF", b"WAVEfmt ", b"data"):
        raise HttpRefusedError(400, "Unknown audio format: no WAV header")
    code, channels = int.from_bytes(header[20:22], "little"), int.from_bytes(header[22:24], "little")
    rate, bits = int.from_bytes(header[24:28], "little"), int.from_bytes(header[34:36], "little")
    if (code, channels, bits) != (1, 1, 16) or rate not in RATES_HZ:
        wanted = "16-bit PCM, mono, 8000 or 16000 Hz"
        raise HttpRefusedError(
            400, f"Unsupported audio: format {code}, {channels} channels, {bits} bits, {rate} Hz; use {wanted}"
        )
    return rate
