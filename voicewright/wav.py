"""WAV files as people have them: 16-bit PCM behind any valid header.

Python's `wave` before 3.12 refuses WAVE_FORMAT_EXTENSIBLE, and no version reads what a program wrote into a pipe, where
the sizes in the header could not be filled in afterwards. Layout: Microsoft's "Multiple Channel Audio Data and WAVE
Files"; RF64 and its `ds64` chunk: EBU Tech 3306.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""Of the GUIDs that mean what the two bytes before them mean as a plain format tag."""
_KINDS = {0x0002: "ADPCM", 0x0003: "floating point", 0x0006: "A-law", 0x0007: "u-law", 0x0011: "ADPCM", 0x0055: "MP3"}
_UNKNOWN = 0x7FFFF000
"""Sizes from here on are placeholders of programs that wrote into a pipe: 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000."""
_MIN_FMT, _EXTENSIBLE_FMT = 16, 40
_RATES_HZ = (1_000, 384_000)
_CHANNELS = 64
_BITS = 16
_CHUNKS = 1000


class WavError(ValueError):
    """No file of 16-bit PCM; the message says in what it differs."""


@dataclass(frozen=True)
class Wav:
    """`sound` holds whole frames: the channels' samples in turn, each of two bytes, little-endian."""

    rate_hz: int
    channels: int
    sound: bytes


def parse_wav(raw: bytes) -> Wav:
    """The sound of a WAV file.

    Raises:
        WavError: it is no WAV file of 16-bit PCM, or less sound is there than its header says.
    """
    if raw[:4] not in {b"RIFF", b"RF64", b"BW64"} or raw[8:12] != b"WAVE":
        raise WavError("it is no WAV file" if raw else "it ends too early")
    whole = struct.unpack_from("<I", raw, 4)[0] == len(raw) - 8
    form: tuple[int, int] | None = None
    size_64 = 0
    for name, size, body in _chunks(raw):
        if name == b"ds64" and len(body) >= 16:  # noqa: PLR2004 - two sizes of eight bytes
            size_64 = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt ":
            form = _format(body)
        elif name == b"data":
            if form is None:
                raise WavError("its sound stands before its format")
            rate_hz, channels = form
            return Wav(rate_hz, channels, _sound(body, size_64 or size, 2 * channels, whole=whole))
    raise WavError("it ends too early")


def _chunks(raw: bytes) -> Iterator[tuple[bytes, int, memoryview]]:
    """Name, size by the header and what is there of each chunk; those of odd size are padded."""
    at, view = 12, memoryview(raw)
    for _ in range(_CHUNKS):
        if at + 8 > len(raw):
            return
        name, size = struct.unpack_from("<4sI", raw, at)
        rest = view[at + 8 :]
        yield name, size, rest if name == b"data" else rest[:size]
        at += 8 + size + size % 2


def _format(body: memoryview) -> tuple[int, int]:
    """Rate in Hz and number of channels."""
    if len(body) < _MIN_FMT:
        raise WavError("it ends too early")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        if len(body) < _EXTENSIBLE_FMT:
            raise WavError("its format chunk is cut off")
        tag = struct.unpack_from("<H", body, 24)[0] if bytes(body[26:40]) == _SUBFORMAT_TAIL else 0
    if tag != _PCM:
        raise WavError(f"its samples are {_KINDS.get(tag, f'of the format {tag:#06x}')}, not 16-bit PCM")
    if bits != _BITS:
        raise WavError(f"its samples have {bits} bits")
    if not 1 <= channels <= _CHANNELS:
        raise WavError(f"it has {channels} channels")
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise WavError(f"its rate is {rate_hz} Hz")
    return rate_hz, channels


def _sound(body: memoryview, size: int, frame: int, *, whole: bool) -> bytes:
    """The sound in whole frames; where the header does not know how much there is, all to the end of the file."""
    streamed = (size >= _UNKNOWN and len(body) < size) or (size == 0 and not whole)
    if not streamed and len(body) < size:
        raise WavError(f"it is cut off: {len(body)} of {size} bytes of sound are there")
    there = len(body) if streamed else size
    return bytes(body[: there - there % frame])
