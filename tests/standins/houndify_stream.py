"""Houndify's two streams of a voice query: the audio that it listens to, and the objects that it answers with."""

import contextlib
import gzip
import json
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from aiohttp import web

Json = dict[str, Any]
FRAME_MS = 20
ONSET_FRAMES = 3


class Manners(Protocol):
    """How the server answers."""

    gzip: bool
    old_format: bool
    final_format: str
    truncated_json: bool


@dataclass
class Query:
    """One request, also a refused one."""

    kind: str
    headers: Mapping[str, str]
    info: Json = field(default_factory=dict)
    status: int = 0
    error: str = ""
    transcription: str = ""
    rate_hz: int = 0
    audio: bytearray = field(default_factory=bytearray)
    chunks: int = 0
    late_ms: float = 0
    """How much audio came after SafeToStopAudio had been sent."""
    messages: list[Json] = field(default_factory=list)
    """What it was sent, before any compression."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set once nothing of the request can come any more."""

    @property
    def audio_ms(self) -> float:
        return len(self.audio) / 2 / self.rate_hz * 1000 if self.rate_hz else 0.0


class Utterance:
    """Where in the audio so far somebody speaks, by its loudness."""

    def __init__(self, query: Query, loud_rms: float, quiet_ms: float) -> None:
        self.text, self.told_ms = "", 0.0
        self.spoken = self.over = False
        self._query, self._loud_rms = query, loud_rms
        self._frame_bytes = query.rate_hz * FRAME_MS // 1000 * 2
        self._quiet_frames = quiet_ms / FRAME_MS
        self._at = self._loud = self._quiet = 0

    def samples(self) -> np.ndarray:
        return np.frombuffer(bytes(self._query.audio), "<i2")

    def listen(self) -> None:
        """Looks at what came since the last time."""
        while self._at + self._frame_bytes <= len(self._query.audio) and not self.over:
            frame = np.frombuffer(self._query.audio[self._at : self._at + self._frame_bytes], "<i2")
            self._at += self._frame_bytes
            if np.sqrt(np.mean(frame.astype(np.float64) ** 2)) >= self._loud_rms:
                self._loud, self._quiet = self._loud + 1, 0
            else:
                self._loud, self._quiet = 0, self._quiet + 1
            self.spoken |= self._loud >= ONSET_FRAMES
            self.over = self.spoken and self._quiet >= self._quiet_frames


class Reply:
    """The reply's stream of objects, one a chunk, compressed as the client asked."""

    def __init__(self, server: Manners, query: Query, request: web.Request) -> None:
        self.query = query
        self.response = web.StreamResponse()
        self.response.content_type = "application/json"
        self._server, self._request = server, request
        self._squeeze: Callable[[bytes], bytes] = bytes
        if server.gzip and "gzip" in request.headers.get("Hound-Response-Accept-Encoding", ""):
            # The vendor's SDK unpacks every chunk by itself.
            self.response.headers["Hound-Response-Content-Encoding"] = "gzip"
            self._squeeze = gzip.compress
        elif server.gzip and "gzip" in request.headers.get("Accept-Encoding", ""):
            self.response.headers["Content-Encoding"] = "gzip"
            self._stream = zlib.compressobj(wbits=31)
            self._squeeze = lambda text: self._stream.compress(text) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    async def partial(self, text: str, *, safe: bool = False, done: bool = False) -> None:
        """Tells what was heard so far, if the client wants to know."""
        if not self.query.info.get("PartialTranscriptsDesired", False):
            return
        old = self._server.old_format
        message: Json = {
            "Format": "SoundHoundVoiceSearchParialTranscript" if old else "HoundVoiceQueryPartialTranscript",
            "FormatVersion": "1.0",
            "PartialTranscript": text,
            "DurationMS": round(self.query.audio_ms),
            "Done": done,
            "SafeToStopAudio": safe,
        }
        await self._send(message)

    async def fail(self, text: str, status: str = "Error") -> None:
        self.query.error = text
        base = {"Format": self._server.final_format, "FormatVersion": "1.0"}
        await self.finish({**base, "Status": status, "ErrorMessage": text, "NumToReturn": 0, "AllResults": []})

    async def finish(self, message: Json) -> None:
        await self._send(message, cut=self._server.truncated_json)
        if "Content-Encoding" in self.response.headers:
            await self.response.write(self._stream.flush())
        with contextlib.suppress(ConnectionError):
            await self.response.write_eof()

    async def _send(self, message: Json, *, cut: bool = False) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        self.query.messages.append(message)
        text = json.dumps(message).encode()
        prefix = f"{len(text)}\n".encode() if self.query.info.get("ObjectByteCountPrefix", False) else b""
        whole = prefix + text + b"\n"
        await self.response.write(self._squeeze(whole[: len(whole) // 2] if cut else whole))
