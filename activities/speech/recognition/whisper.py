"""Whisper, through faster-whisper: 99 languages, offline, words with times and confidences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import numpy as np
from numpy.typing import NDArray

from activities.errors import InstallationError
from activities.ports.speech import HeardWord
from activities.speech.models import whisper_base
from activities.speech.recognition.by_ear import same_sound
from activities.speech.recognition.encoder import economical
from activities.speech.recognition.name_hints import (
    MAX_HINTS,
    Respelling,
    respelled,
    respellings,
    spelled,
    unheard,
)
from voicewright.judge.text.proper_names import bare
from voicewright.languages import base_language

PACKAGED = "base"
_CAREFUL_BEAM = 5
_BELIEVED = 0.35
"""Least confidence of a name that was hinted at. `bench/names.py` shows what it lets through."""
_EDGE_S = 0.2
_NEVER = 1e-9
_FADES_S = 0.3
"""In which the sound of a last word has faded."""
_SILENT = 0.003
"""Level of no sound, of full scale: -50 dBFS."""
_PAUSE_S = 0.39
_JOINS = ".,:;/-"
"""Signs by which Whisper joins numbers."""
_LOUD = 0.02
_WORD_S = 0.1
"""Shorter than any word, longer than what is left of one that has faded; `_LOUD` is an RMS level, of full scale."""
_FRAME = 320
_RATE_HZ = 16_000
_LOOP_AT = 2.4
"""Compression ratio of a segment from which it is a loop and no speech (Whisper's own limit)."""
PROMPTS = {"hi": "नमस्ते, यह हिंदी में एक बातचीत है।", "zh": "以下是普通话的句子。"}
"""What Whisper is led to believe was said before, so that it keeps to a script: Devanagari, simplified Chinese."""


class WhisperRecogniser:
    """Whisper.

    Args:
        model: `base` (packaged), a name that faster-whisper downloads, or a folder in CTranslate2 format.
        models_dir: where packaged models are put together.
        threads: of one recognition. Two take a third more work than one, and are hardly sooner.
        at_once: recognitions at the same time; others wait.
        prompts: by language, what Whisper is led to believe was said before.
    """

    def __init__(
        self, model: str, models_dir: Path, threads: int, at_once: int = 1, prompts: Mapping[str, str] = PROMPTS
    ) -> None:
        self._model_name = model
        self._models_dir = models_dir
        self._threads = threads
        self._at_once = at_once
        self._prompts = prompts
        self._places = BoundedSemaphore(at_once)

    @property
    def name(self) -> str:
        """See `Recogniser`."""
        return f"whisper {self._model_name}, faster-whisper {version('faster-whisper')}, int8, names 2, pauses 1"

    @cached_property
    def _model(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - faster-whisper ships no types
        from faster_whisper import WhisperModel  # noqa: PLC0415 - heavy: loaded with the first recording

        where = str(whisper_base(self._models_dir)) if self._model_name == PACKAGED else self._model_name
        try:
            model = WhisperModel(
                where, device="cpu", compute_type="int8", cpu_threads=self._threads, num_workers=self._at_once
            )
        except (OSError, ValueError, RuntimeError) as error:
            message = f"cannot load the recogniser {self._model_name!r}: {error}; check VOICEWRIGHT_WHISPER_MODEL"
            raise InstallationError(message) from error
        model.encode = economical(model.encode)
        return model

    def warm_up(self) -> None:
        """Load the model now instead of with the first recording."""
        self.recognise(np.zeros(_RATE_HZ, np.float32), "en")

    def recognise(
        self, samples: NDArray[np.float32], language: str, *, careful: bool = True, names: Sequence[str] = ()
    ) -> list[HeardWord]:
        """See `Recogniser`.

        The same samples give the same words. Whisper's own remedy for loops, drawing words at random until one draw
        is none, would not, and takes up to a minute; here the other width of beam is tried once. Where a name was not
        heard it hears again, knowing the names.
        """
        beams = (_CAREFUL_BEAM, 1) if careful else (1, _CAREFUL_BEAM)
        with self._places:
            first = self._segments(samples, language, beams[0])
            found = self._segments(samples, language, beams[1]) if _loops(first) else first
            found = first if _loops(found) else found
            words = _words(found, samples)
            if not words or not unheard(names, words):
                return words
            other = self.knowing(samples, language, names)
            spans = [(float(segment.start), float(segment.end)) for segment in found]

            def supported(one: Respelling) -> bool:
                return self._supported(one, words, spans, samples, language)

            return respelled(words, respellings(words, other, names, language), supported)

    def knowing(self, samples: NDArray[np.float32], language: str, names: Sequence[str]) -> list[HeardWord]:
        """Words as they are heard by one who expects these names: better spelled, but also where they were not said."""
        hints = ", ".join(names[:MAX_HINTS])
        return _words(self._segments(samples, language, _CAREFUL_BEAM, hints), samples)

    def _supported(
        self,
        one: Respelling,
        words: Sequence[HeardWord],
        spans: Sequence[tuple[float, float]],
        samples: NDArray[np.float32],
        language: str,
    ) -> bool:
        """Whether the sound itself speaks for a name that only a recogniser who expects it writes down.

        It does where both spellings sound the same, or where the recogniser, told nothing, finds the name as likely as
        what it wrote.
        """
        if same_sound(spelled(one.old), spelled(one.new), language):
            return True
        if min(word.confidence for word in one.new if bare(word.text) in one.names) < _BELIEVED:
            return False
        start_s, end_s = one.old[0].start_s, one.old[-1].end_s
        span = next((span for span in spans if span[0] <= start_s and end_s <= span[1]), None)
        if span is None:
            return False
        around = [at for at, word in enumerate(words) if span[0] <= word.start_s and word.end_s <= span[1]]
        before, after = words[around[0] : one.start], words[one.end : around[-1] + 1]
        sound = samples[max(0, round((span[0] - _EDGE_S) * _RATE_HZ)) : round((span[1] + _EDGE_S) * _RATE_HZ)]
        texts = [spelled([*before, *run, *after]) for run in (one.old, one.new)]
        was, would_be = self._log_likelihoods(sound, language, texts)
        return would_be >= was

    def _log_likelihoods(self, samples: NDArray[np.float32], language: str, texts: Sequence[str]) -> list[float]:
        """How likely each text is to be what is said, as a natural logarithm, to a recogniser that expects nothing."""
        from faster_whisper.audio import pad_or_trim  # noqa: PLC0415 - heavy, like the model
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415

        model = self._model
        tokens = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=base_language(language)
        )
        features = model.feature_extractor(samples)
        heard = model.encode(pad_or_trim(features))
        frames = min(features.shape[-1] - 1, model.feature_extractor.nb_max_frames)
        found: list[float] = []
        for text in texts:
            [aligned] = model.model.align(heard, list(tokens.sot_sequence), [tokens.encode(f" {text}")], [frames])
            found.append(float(np.sum(np.log(np.maximum(aligned.text_token_probs, _NEVER)))))
        return found

    def _segments(self, samples: NDArray[np.float32], language: str, beam: int, hints: str | None = None) -> list[Any]:
        segments, _ = self._model.transcribe(
            samples,
            language=base_language(language),
            initial_prompt=self._prompts.get(base_language(language)),
            hotwords=hints,
            beam_size=beam,
            temperature=0.0,
            word_timestamps=True,
            # Earlier text must not colour later words: an agent that repeats itself is a finding.
            condition_on_previous_text=False,
        )
        return list(_until_over(segments, samples))

    def language_of(self, samples: NDArray[np.float32]) -> dict[str, float]:
        """See `Recogniser`. One pass of the encoder."""
        with self._places:
            if not self._model.model.is_multilingual:
                return {}
            _, _, found = self._model.detect_language(samples)
            return {str(language): float(probability) for language, probability in found}


def _until_over(segments: Iterable[Any], samples: NDArray[np.float32]) -> Iterator[Any]:
    """Segments up to the one after which there is silence: Whisper would listen to the rest as if it were 30 s long."""
    for segment in segments:
        yield segment
        rest = samples[round(segment.end * _RATE_HZ) :]
        loud = np.flatnonzero(np.abs(rest) >= _SILENT)
        if not len(loud) or (loud[-1] < _FADES_S * _RATE_HZ and _loud_s(rest) < _WORD_S):
            return


def _loud_s(samples: NDArray[np.float32]) -> float:
    """How long there is sound as loud as speech, in s."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return float(np.sum(np.sqrt(np.mean(np.square(frames), axis=1)) >= _LOUD)) * _FRAME / _RATE_HZ


def _words(segments: Iterable[Any], samples: NDArray[np.float32]) -> list[HeardWord]:
    return join_fragments(
        (
            HeardWord(str(word.word), float(word.start), float(word.end), float(word.probability))
            for segment in segments
            for word in segment.words or ()
            if word.word.strip()
        ),
        pauses_end_s(samples),
    )


def pauses_end_s(samples: NDArray[np.float32]) -> list[float]:
    """Where sound begins after a pause, in s: of nothing at all, as between answers that were laid side by side."""
    loud = np.flatnonzero(samples)
    return [float(at) / _RATE_HZ for at in loud[1:][np.diff(loud) >= _PAUSE_S * _RATE_HZ]]


def _loops(segments: Iterable[Any]) -> bool:
    return any(segment.compression_ratio > _LOOP_AT for segment in segments)


def join_fragments(pieces: Iterable[HeardWord], pauses: Sequence[float] = ()) -> list[HeardWord]:
    """Whisper gives `10` and `.50`, `o` and `'clock`: what starts with a sign and without a space is the same word.

    But not over a pause, behind which another answer begins: `$112` and `.58`. `pauses` are the ends of pauses, in s. A
    joined word is as sure as its least sure piece.
    """
    words: list[HeardWord] = []
    for piece in pieces:
        text, start_s = piece.text.strip(), piece.start_s
        if words and text == piece.text.rstrip() and not text[0].isalnum():
            last = words[-1]
            says = any(sign.isalnum() for sign in text)
            after = next((end for end in pauses if says and last.end_s <= end < piece.end_s), None)
            if after is None:
                sure = min(last.confidence, piece.confidence)
                words[-1] = HeardWord(last.text + text, last.start_s, piece.end_s, sure)
                continue
            text, start_s = text.lstrip(_JOINS), after
        words.append(HeardWord(text, start_s, piece.end_s, piece.confidence))
    return words
