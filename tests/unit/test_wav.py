"""WAV files in the headers that programs really write, and those that are refused with a reason."""

import struct

import numpy as np
import pytest

from activities.audio.pcm import read_wav, wav_bytes
from activities.errors import BadInputError
from voicewright.report.waveform import outlines
from voicewright.wav import WavError, parse_wav

TONE = (9000 * np.sin(np.arange(4000) / 9)).astype("<i2")
SOUND = TONE.tobytes()
GUID = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, more: bytes = b"") -> bytes:
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + more)


def extensible(subformat: int = 1, bits: int = 16, tail: bytes = GUID) -> bytes:
    return fmt(0xFFFE, bits=bits, more=struct.pack("<HHIH", 22, bits, 4, subformat) + tail)


def riff(*chunks: bytes, size: int | None = None, form: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return form + struct.pack("<I", len(body) if size is None else size) + body


EMPTY = 0xFFFFFFFF
READ = {
    "plain": riff(fmt(), chunk(b"data", SOUND)),
    "format chunk of 18 bytes": riff(fmt(more=b"\0\0"), chunk(b"data", SOUND)),
    "extensible": riff(extensible(), chunk(b"data", SOUND)),
    "piped by ffmpeg": riff(fmt(), chunk(b"LIST", b"INFOx"), chunk(b"data", SOUND, EMPTY), size=EMPTY),
    "piped by sox": riff(fmt(), chunk(b"data", SOUND, 0x7FFFFFFF - 36), size=0x7FFFFFFF),
    "piped, sizes of nothing": riff(fmt(), chunk(b"data", SOUND, 0), size=0),
    "piped by arecord": riff(fmt(), chunk(b"data", SOUND, 0x7FFFF000), size=0x7FFFF024),
    "piped and extensible": riff(extensible(), chunk(b"data", SOUND, EMPTY), size=EMPTY),
    "cut in the middle of a sample by a pipe": riff(fmt(), chunk(b"data", SOUND, EMPTY), size=EMPTY) + b"\1",
    "chunks of odd size before": riff(chunk(b"bext", b"odd"), fmt(), chunk(b"fact", b"\0" * 4), chunk(b"data", SOUND)),
    "chunks behind": riff(fmt(), chunk(b"data", SOUND), chunk(b"LIST", b"INFO")),
    "RF64": riff(
        chunk(b"ds64", struct.pack("<QQQI", 0, len(SOUND), 0, 0)),
        fmt(),
        chunk(b"data", SOUND, EMPTY),
        size=EMPTY,
        form=b"RF64",
    ),
}
REFUSED = {
    "": (b"", "ends too early"),
    "MP3": (b"ID3\4 and so on", "no WAV file"),
    "8 bits": (riff(fmt(bits=8), chunk(b"data", SOUND)), "8 bits"),
    "24 bits behind extensible": (riff(extensible(bits=24), chunk(b"data", SOUND)), "24 bits"),
    "floating point": (riff(fmt(3, bits=32), chunk(b"data", SOUND)), "floating point"),
    "floating point behind extensible": (riff(extensible(3, bits=32), chunk(b"data", SOUND)), "floating point"),
    "u-law": (riff(fmt(7, bits=8), chunk(b"data", SOUND)), "u-law"),
    "a stranger's format": (riff(extensible(tail=b"\7" * 14), chunk(b"data", SOUND)), "not 16-bit PCM"),
    "cut off": (riff(fmt(), chunk(b"data", SOUND))[:-10], "cut off: 7990 of 8000"),
    "no sound": (riff(fmt()), "ends too early"),
    "no format": (riff(chunk(b"data", SOUND)), "before its format"),
    "no channel": (riff(fmt(channels=0), chunk(b"data", SOUND)), "0 channels"),
    "no rate": (riff(fmt(rate=1), chunk(b"data", SOUND)), "1 Hz"),
    "format cut off": (riff(chunk(b"fmt ", b"\1\0")), "ends too early"),
}


@pytest.mark.parametrize("name", READ)
def test_16_bit_sound_is_read_behind_every_valid_header(name: str) -> None:
    [audio] = read_wav(READ[name])
    assert audio.rate_hz == 8000
    assert np.array_equal(audio.samples, TONE)
    assert outlines(READ[name]) == outlines(wav_bytes([TONE], 8000))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_file_is_refused_with_the_reason(name: str) -> None:
    raw, why = REFUSED[name]
    with pytest.raises(WavError, match=why):
        parse_wav(raw)
    with pytest.raises(BadInputError, match=why):
        read_wav(raw)


def test_a_file_that_is_empty_is_not_taken_for_one_from_a_pipe() -> None:
    assert parse_wav(riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO"))).sound == b""


def test_two_channels_stay_two() -> None:
    left, right = read_wav(riff(fmt(channels=2), chunk(b"data", np.stack([TONE, -TONE], axis=1).tobytes(), EMPTY)))
    assert np.array_equal(left.samples, -right.samples)


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_header_that_ends_anywhere_breaks_nothing(cut: int) -> None:
    for raw in READ.values():
        try:
            parse_wav(raw[:cut])
        except WavError:
            continue
