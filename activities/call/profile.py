"""A caller profile applied: to the speech before the call, behind it all through it, and to the frames that leave."""

import hashlib
import subprocess

import imageio_ffmpeg
import numpy as np
from scipy.signal import butter, sosfilt

from activities.audio import g711
from activities.audio.pcm import Audio, Samples, read_wav, to_int16
from activities.call.backdrop import SILENT, Backdrop, Noise
from activities.call.outbound import Direct, Outbound, PoorNetwork
from activities.errors import BadInputError, InstallationError
from activities.ports.line import Line
from voicewright.store.keys import noise_key
from voicewright.store.port import ObjectStore
from voicewright.suite.format.profile import Profile

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

    def outbound(self, line: Line) -> Outbound:
        """The caller's way to the line, with the losses and delays of this caller's network."""
        if not self._profile.loss and not self._profile.jitter_ms:
            return Direct(line)
        return PoorNetwork(line, self._profile.loss, self._profile.jitter_ms, self._random)

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


def as_spoken(
    wavs: dict[int, bytes], caller: CallerProfile, rate_hz: int, line_rates_hz: tuple[int, ...]
) -> dict[int, dict[int, Samples]]:
    """A caller's words as this caller's telephone sends them, by the rate of the line and by turn; from WAV files.

    Raises:
        BadInputError: one is no WAV file.
        InstallationError: there is no ffmpeg.
    """
    said = {turn: caller.sound(read_wav(wav)[0].at_rate(rate_hz).samples) for turn, wav in wavs.items()}
    return {
        rate: {turn: Audio(sound, rate_hz).at_rate(rate).samples for turn, sound in said.items()}
        for rate in line_rates_hz
    }


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
