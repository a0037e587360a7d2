"""A caller profile applied: to the speech before the call, behind it all through it, and to the frames that leave."""

import hashlib
import subprocess
from collections import deque
from typing import Any

import imageio_ffmpeg
import numpy as np
from scipy.signal import butter, sosfilt

from activities.audio import Audio, Samples, read_wav, to_int16
from activities.errors import BadInputError, InstallationError, LineDiedError
from activities.ports import FRAME_MS, Line, ObjectStore
from activities.telephony import g711
from activities.telephony.backdrop import SILENT, Backdrop, Noise
from voicewright.artifact import noise_key
from voicewright.profile import Profile

_NOISE_S = 20
_BAND_HZ = (300, 3400)
_CODERS = {
    "gsm": ["-c:a", "libopencore_amrnb", "-b:a", "12.2k", "-ar", "8000", "-f", "amr"],
    "opus": ["-c:a", "libopus", "-application", "voip", "-f", "ogg"],
}


class CallerProfile:
    """One caller of one case.

    Args:
        profile: what the suite says.
        rate_hz: of the speech that it is given.
        name: of the case; with the seed it makes everything random come out the same way again.
    """

    def __init__(self, profile: Profile, rate_hz: int, name: str) -> None:
        self._profile = profile
        self._rate = rate_hz
        digest = hashlib.sha256(f"{profile.seed} {name}".encode()).digest()
        self._random = np.random.default_rng(int.from_bytes(digest[:8], "big"))

    def sound(self, speech: Samples) -> Samples:
        """The caller's words, shape (n,), as this caller's telephone sends them.

        Raises:
            InstallationError: there is no ffmpeg.
        """
        profile = self._profile
        changed = to_int16(speech.astype(np.float64) * 10 ** (profile.volume_db / 20))
        if profile.telephone_band:
            changed = self._band(changed)
        return self._coded(changed)

    def backdrop(self, speech: list[Samples], store: ObjectStore, rate_hz: int) -> Backdrop:
        """What is heard behind all of `speech`, at the line's rate, at the ratio that the profile names.

        Raises:
            BadInputError: the noise file is not stored, or is no WAV file.
        """
        noise = self._profile.noise
        if noise is None:
            return SILENT
        sound = (
            self._from_file(noise.file, store, rate_hz) if noise.file is not None else self._made(noise.kind, rate_hz)
        )
        loud = [part.astype(np.float64) for part in speech if len(part)]
        wanted = float(np.mean(np.square(np.concatenate(loud)))) if loud else 10 ** (-26 / 10) * 32768**2
        gain = np.sqrt(wanted / 10 ** (noise.snr_db / 10) / max(1e-9, float(np.mean(np.square(sound)))))
        return Noise(to_int16(sound * gain))

    def line(self, line: Line) -> Line:
        """The line with the caller's losses and delays on our sending side."""
        if not self._profile.loss and not self._profile.jitter_ms:
            return line
        return _PoorLine(line, self._profile.loss, self._profile.jitter_ms, self._random)

    def _band(self, samples: Samples) -> Samples:
        high = min(_BAND_HZ[1], self._rate * 0.45)
        return to_int16(sosfilt(butter(4, (_BAND_HZ[0], high), "bandpass", fs=self._rate, output="sos"), samples))

    def _made(self, kind: str, rate_hz: int) -> "np.typing.NDArray[np.float64]":
        """Noise whose power falls by 0, 3 or 6 dB an octave, and that loops without a seam."""
        count = rate_hz * _NOISE_S
        spectrum = np.fft.rfft(self._random.standard_normal(count))
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
        frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate_hz), 50.0)
        return np.asarray(np.fft.irfft(spectrum / frequency**slope, count))

    def _from_file(self, name: str, store: ObjectStore, rate_hz: int) -> "np.typing.NDArray[np.float64]":
        raw = store.get_if_present(noise_key(name))
        if raw is None:
            raise BadInputError(
                f"the noise file {name!r} is not stored as {noise_key(name)}: lay it beside the suite and push that"
            )
        return read_wav(raw)[0].at_rate(rate_hz).samples.astype(np.float64)

    def _coded(self, samples: Samples) -> Samples:
        codec = self._profile.codec
        if codec is None:
            return samples
        if codec == "g711":
            narrow = Audio(samples, self._rate).at_rate(g711.RATE_HZ).samples
            return Audio(g711.decode(g711.encode(narrow)), g711.RATE_HZ).at_rate(self._rate).samples
        extra = ["-b:a", f"{self._profile.bitrate_kbps}k"] if codec == "opus" else []
        pcm = ["-f", "s16le", "-ac", "1", "-ar", str(self._rate)]
        coded = _ffmpeg([*pcm, "-i", "-", *_CODERS[codec], *extra, "-"], samples.astype("<i2").tobytes())
        plain = np.frombuffer(_ffmpeg(["-i", "-", *pcm, "-"], coded), "<i2").astype(np.int16)
        return np.concatenate([plain, np.zeros(max(0, len(samples) - len(plain)), np.int16)])[: len(samples)]


def _ffmpeg(arguments: list[str], data: bytes) -> bytes:
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise InstallationError(f"no ffmpeg was found: pip install imageio-ffmpeg ({error})") from None
    done = subprocess.run(
        [program, "-hide_banner", "-loglevel", "error", *arguments], input=data, capture_output=True, check=False
    )
    if done.returncode:
        raise InstallationError(f"ffmpeg could not code the caller's voice: {done.stderr.decode()[-300:]}")
    return done.stdout


class _PoorLine:
    """A line that loses and delays our frames; all else is the line's own. A lost frame is heard as silence."""

    def __init__(self, line: Line, loss: float, jitter_ms: int, random: np.random.Generator) -> None:
        self._line = line
        self._loss = loss
        self._jitter = -(-jitter_ms // FRAME_MS)
        self._random = random
        self._queue: deque[tuple[int, Samples]] = deque()
        self._sent = 0

    @property
    def sending_delay_s(self) -> float:
        """See `Line`: the line's own, and what the last frame still has to wait."""
        waits = max(0, self._queue[-1][0] - self._sent + 1) if self._queue else 0
        return self._line.sending_delay_s + waits * FRAME_MS / 1000

    @property
    def early_frames(self) -> int:
        """See `Line`: when a frame leaves is chance here."""
        return 0

    async def hang_up(self) -> None:
        """See `Line`. What waits is sent first."""
        try:
            while self._queue:
                await self._line.send(self._queue.popleft()[1])
        except LineDiedError:
            self._queue.clear()
        await self._line.hang_up()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the line has
        return getattr(self._line, name)

    async def send(self, frame: Samples) -> Samples:
        """See `Line`. Recorded is what the agent hears; when it left is in `sending_delay_s`."""
        lost = self._random.random() < self._loss
        due = self._sent + int(self._random.integers(0, self._jitter + 1))
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.append((due, np.zeros_like(frame) if lost else frame))
        self._sent += 1
        while self._queue and self._queue[0][0] < self._sent:
            await self._line.send(self._queue.popleft()[1])
        return np.zeros_like(frame) if lost else frame
