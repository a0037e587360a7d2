"""Recordings for pages: MP3, a tenth of the WAV's size, played by every browser."""

import io
import warnings
from pathlib import Path

import imageio_ffmpeg

from activities.errors import InstallationError

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on PATH when it is imported; it is told below where ours is.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

_BITRATE = "32k"
_THREADS = ["-threads", "1"]


class Mp3Encoder:
    """`Encoder` by ffmpeg."""

    def mp3(self, wav: bytes) -> bytes:
        """See `Encoder`."""
        try:
            AudioSegment.converter = str(Path(imageio_ffmpeg.get_ffmpeg_exe()))
        except RuntimeError as error:
            raise InstallationError(f"no ffmpeg was found: pip install imageio-ffmpeg ({error})") from None
        out = io.BytesIO()
        AudioSegment.from_wav(io.BytesIO(wav)).export(out, format="mp3", bitrate=_BITRATE, parameters=_THREADS)
        return out.getvalue()
