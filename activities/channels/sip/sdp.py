"""What an SDP body says of a call's audio (RFC 8866, RFC 3264), read leniently."""

import re
from dataclasses import dataclass

_MEDIA = re.compile(r"^m=audio[ \t]+(\d+)(?:/\d+)?[ \t]+(\S+)((?:[ \t]+\S+)*)[ \t]*$", re.MULTILINE)
_OTHER_MEDIA = re.compile(r"^m=", re.MULTILINE)
_MAPPED = re.compile(r"^a=rtpmap:(\d+)[ \t]+([\w-]+)/(\d+)", re.MULTILINE)
_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)[ \t]*$", re.MULTILINE)
_NOWHERE = re.compile(r"^c=IN IP4 0\.0\.0\.0[ \t]*$", re.MULTILINE)
_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000)}
_EVENT = "telephone-event"
_SILENT = {"sendonly", "inactive"}


@dataclass(frozen=True)
class Sdp:
    """Of the first audio stream."""

    port: int
    codec: str
    """The one put first: `PCMU`, `opus`, ...; empty where it cannot be told."""
    clock_hz: int
    """Of its timestamps."""
    events: frozenset[int]
    """Payload types of telephone-event (RFC 4733) at 8 kHz or any other clock."""
    holds: bool
    """Whether whoever sent this does not listen: `sendonly`, `inactive`, or a connection to nowhere (RFC 2543)."""

    @classmethod
    def parse(cls, body: str) -> "Sdp | None":
        """None where it has no audio stream."""
        body = body.replace("\r\n", "\n").replace("\r", "\n")
        media = _MEDIA.search(body)
        if media is None:
            return None
        following = _OTHER_MEDIA.search(body, media.end())
        session = _OTHER_MEDIA.split(body, maxsplit=1)[0]
        stream = body[media.start() : following.start() if following else len(body)]
        kinds = [int(kind) for kind in media[3].split() if kind.isdigit() and int(kind) < 128]  # noqa: PLR2004 - 7 bits
        named = {int(kind): (name, int(clock)) for kind, name, clock in _MAPPED.findall(stream)}
        events = frozenset(kind for kind in kinds if named.get(kind, ("", 0))[0].lower() == _EVENT)
        codec, clock_hz = next(
            (named.get(kind) or _STATIC.get(kind, ("", 8000)) for kind in kinds if kind not in events), ("", 8000)
        )
        directions = _DIRECTION.findall(stream) or _DIRECTION.findall(session)
        nowhere = _NOWHERE.search(stream) or (_NOWHERE.search(session) and not re.search(r"^c=", stream, re.MULTILINE))
        return cls(
            port=int(media[1]),
            codec=codec,
            clock_hz=clock_hz or 8000,
            events=events,
            holds=bool(nowhere) or (bool(directions) and directions[-1] in _SILENT),
        )
