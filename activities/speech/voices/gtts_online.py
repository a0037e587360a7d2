"""gTTS: the voices of an online translation service; no account, but a network and a rate limit."""

import io
import warnings
from importlib.metadata import version
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from gtts import gTTS
from gtts.lang import tts_langs
from gtts.tts import gTTSError
from requests.exceptions import RequestException

from activities.audio.pcm import Audio
from activities.errors import BadInputError, RateLimitedError, SpeechServiceError
from activities.speech.voices.language_tags import spelled

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on PATH when it is imported; it is told below where ours is.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

_RETRY_AFTER_S = 30.0
_TOO_MANY = 429
_TIMEOUT_S = 20.0
_SLOW_BELOW = 0.75


class GttsEngine:
    """The service has two speeds: a speed below 0.75 is its slow one, every other its normal one."""

    def __init__(self, tld: str = "com") -> None:
        self._tld = tld
        AudioSegment.converter = str(Path(imageio_ffmpeg.get_ffmpeg_exe()))

    def identity(self, language: str, voice: str | None) -> str:
        """See `SpeechEngine`. The service itself has no version."""
        return f"gtts {version('gtts')} {self._tld} {voice or language}"

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """See `SpeechEngine`; `voice` may name another language tag of the service, such as `fr-CA`."""
        tag = voice or language
        known = spelled(tag, tts_langs())
        if known is None:
            raise BadInputError(
                f"gtts cannot say anything in {tag}: the service does not speak it; name another engine"
            )
        try:
            # gTTS's own check would turn fr-CA, which the service speaks, into fr.
            request = gTTS(
                text, lang=known, lang_check=False, tld=self._tld, slow=speed < _SLOW_BELOW, timeout=_TIMEOUT_S
            )
            request.get_bodies()  # finds out that nothing can be pronounced before anything is sent
        except (ValueError, AssertionError) as error:
            raise BadInputError(f"gtts cannot say {text[:60]!r} in {tag}: {error}") from None
        mp3 = io.BytesIO()
        try:
            request.write_to_fp(mp3)
        except gTTSError as error:
            # gTTS keeps the response; its status tells a full service from a broken one.
            status = getattr(getattr(error, "rsp", None), "status_code", None)
            if status == _TOO_MANY:
                raise RateLimitedError(
                    "the gtts service asks for fewer requests (429); VOICEWRIGHT_TTS_ENGLISH=piper speaks offline",
                    retry_after_s=_RETRY_AFTER_S,
                ) from None
            raise SpeechServiceError(f"the gtts service failed: {error}") from None
        except (RequestException, OSError) as error:
            raise SpeechServiceError(f"the gtts service cannot be reached: {error}") from None
        except ValueError as error:  # a reply that is not UTF-8, or audio that is not base64
            raise SpeechServiceError(f"the gtts service sent something that is not a reply: {error}") from None
        return _decode(mp3.getvalue())


def _decode(mp3: bytes) -> Audio:
    """MP3 to mono PCM. Naming the codec keeps pydub from asking for ffprobe, which not every ffmpeg brings."""
    try:
        segment = AudioSegment.from_file(io.BytesIO(mp3), format="mp3", codec="mp3").set_channels(1)
    except (CouldntDecodeError, IndexError) as error:
        reason = str(error).splitlines()[0][:200]
        raise SpeechServiceError(f"the gtts service sent something that is not MP3: {reason}") from None
    samples = np.frombuffer(segment.set_sample_width(2).raw_data, dtype="<i2").astype(np.int16)
    if not len(samples):
        raise SpeechServiceError("the gtts service sent no audio")
    return Audio(samples, segment.frame_rate)
