"""Known faults of recognisers: loops that nobody spoke, words where there is silence, words in the wrong language.

Each fault says that the transcript is not to be trusted in that turn, with one exception: `WRONG_LANGUAGE` may be the
agent's own doing, and its evidence says which language was heard instead of which.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz

from activities.audio.pcm import Audio, rms_dbfs
from voicewright.contracts.call import Speech
from voicewright.contracts.transcript import HeardLanguage, SideTranscript, Word
from voicewright.judge.text.words import UNSPACED, unaccented
from voicewright.judge.text.words import words as spoken_words
from voicewright.languages import LANGUAGES, base_language

MIN_REPEATS = 3
MAX_WORDS_PER_S = 8.0
"""Nobody repeats a phrase faster: conversation has 2 to 4 words a second, auctioneers reach 6 to 7."""
SILENCE_DBFS = -55.0
"""Level under which a telephone line carries no words; comfort noise lies at about -60."""
_NEAR_SPEECH_MS = 300
"""Word times of Whisper are off by so much at the edges of a phrase."""
_MIN_SILENT_MS = 80
WRONG_LANGUAGE_AT = 0.8
"""Probability from which another language than the expected one is believed."""
MIN_LANGUAGE_MS = 1_500
"""Speech under this is too short to tell languages apart."""
_LONGEST_PHRASE = 8
_FOREIGN_SHARE = 0.5

_SCRIPTS = {
    "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC", "he": "HEBREW", "el": "GREEK", "hy": "ARMENIAN", "ka": "GEORGIAN",
    "hi": "DEVANAGARI", "mr": "DEVANAGARI", "ne": "DEVANAGARI", "bn": "BENGALI", "gu": "GUJARATI", "kn": "KANNADA",
    "ml": "MALAYALAM", "pa": "GURMUKHI", "ta": "TAMIL", "te": "TELUGU", "th": "THAI", "my": "MYANMAR", "ko": "HANGUL",
    "ja": "HIRAGANA KATAKANA CJK", "zh": "CJK", "bg": "CYRILLIC", "mk": "CYRILLIC", "ru": "CYRILLIC",
    "uk": "CYRILLIC", "sr": "CYRILLIC LATIN", "kk": "CYRILLIC LATIN", "bs": "LATIN CYRILLIC",
}  # fmt: skip
"""Scripts by language, as Unicode names begin; the others are written in Latin letters."""


class FaultKind(StrEnum):
    """What is wrong with the words."""

    LOOP = "loop"
    TEXT_ON_SILENCE = "text_on_silence"
    WRONG_LANGUAGE = "wrong_language"
    WRONG_SCRIPT = "wrong_script"


@dataclass(frozen=True)
class Fault:
    """One finding. `turn` is None where it belongs to no turn; `evidence` is a sentence for people."""

    turn: int | None
    kind: FaultKind
    evidence: str


def faults(side: SideTranscript, speech: Sequence[Speech], audio: Audio) -> list[Fault]:
    """All known faults of one side's transcript.

    Args:
        side: its words.
        speech: where speech was found in the recording, both sides.
        audio: the side's channel.
    """
    own = [item for item in speech if item.side is side.side]
    recognised = [word for word in side.words if word.turn not in side.certain]
    return [
        *loops(recognised),
        *text_on_silence(recognised, own, audio),
        *wrong_language(side.heard, side.language),
        *wrong_script(side.words, side.language),
    ]


def loops(words: Sequence[Word]) -> Iterator[Fault]:
    """A phrase three times or more in a row, faster than anybody speaks.

    An agent that really says the same again and again takes its time for it, and that is a finding, not a fault.
    """
    for turn in _turns(words):
        of_turn = [word for word in words if word.turn == turn]
        plain = [_plain(word.text) for word in of_turn]
        at = 0
        while at < len(plain):
            found = _loop_at(plain, of_turn, at)
            if found is None:
                at += 1
                continue
            size, times, rate = found
            phrase = " ".join(word.text for word in of_turn[at : at + size])
            yield Fault(
                turn,
                FaultKind.LOOP,
                f"the recogniser wrote {phrase!r} {times} times in a row, at {rate}: nobody speaks so fast",
            )
            at += size * times


def _loop_at(plain: Sequence[str], words: Sequence[Word], at: int) -> tuple[int, int, str] | None:
    """(words of the phrase, repetitions, rate in words) of an impossible loop that starts at `at`."""
    for size in range(1, min(_LONGEST_PHRASE, (len(plain) - at) // MIN_REPEATS) + 1):
        phrase = plain[at : at + size]
        times = 1
        while plain[at + times * size : at + (times + 1) * size] == phrase:
            times += 1
        if times < MIN_REPEATS:
            continue
        # What comes after the first time is what may be invented, so the first time does not slow the rate down.
        repeated = words[at + size : at + size * times]
        took_ms = repeated[-1].end_ms - repeated[0].start_ms
        rate = len(repeated) * 1000 / took_ms if took_ms > 0 else float("inf")
        if rate > MAX_WORDS_PER_S:
            return size, times, f"{rate:.0f} words a second" if took_ms > 0 else "no time at all"
    return None


def text_on_silence(words: Sequence[Word], speech: Sequence[Speech], audio: Audio) -> Iterator[Fault]:
    """Words at whose time the recording holds no speech and no sound that could be one.

    Both must say so: a detector that misses a soft word does not make the word invented.
    """
    for turn in _turns(words):
        silent = [
            word
            for word in words
            if word.turn == turn and not _near_speech(word, speech) and _level(word, audio) < SILENCE_DBFS
        ]
        if silent:
            text = " ".join(word.text for word in silent)
            when = f"{silent[0].start_ms / 1000:.1f} to {silent[-1].end_ms / 1000:.1f} s"
            yield Fault(
                turn, FaultKind.TEXT_ON_SILENCE, f"the recogniser wrote {text!r} where nothing is heard ({when})"
            )


def _near_speech(word: Word, speech: Sequence[Speech]) -> bool:
    return any(
        item.start_ms - _NEAR_SPEECH_MS < word.end_ms and word.start_ms < item.end_ms + _NEAR_SPEECH_MS
        for item in speech
    )


def _level(word: Word, audio: Audio) -> float:
    """Level in dBFS around a word; of at least 80 ms, because invented words often have no length."""
    middle = (word.start_ms + word.end_ms) // 2
    start = max(0, min(word.start_ms, middle - _MIN_SILENT_MS // 2))
    end = max(word.end_ms, start + _MIN_SILENT_MS)
    return rms_dbfs(audio.samples[start * audio.rate_hz // 1000 : end * audio.rate_hz // 1000])


def wrong_language(heard: Sequence[HeardLanguage], expected: str) -> Iterator[Fault]:
    """Speech that was clearly heard in another language than the case is spoken in."""
    wanted = base_language(expected)
    for item in heard:
        other = base_language(item.language)
        if other != wanted and item.probability >= WRONG_LANGUAGE_AT and item.speech_ms >= MIN_LANGUAGE_MS:
            yield Fault(
                item.turn,
                FaultKind.WRONG_LANGUAGE,
                f"heard {LANGUAGES.get(other, other)} ({item.probability:.2f}), expected "
                f"{LANGUAGES.get(wanted, wanted)} ({item.expected:.2f})",
            )


def wrong_script(words: Sequence[Word], expected: str) -> Iterator[Fault]:
    """Turns most of whose letters are of a script that the language is not written in, such as Urdu for Hindi."""
    allowed = _SCRIPTS.get(base_language(expected), "LATIN").split()
    for turn in _turns(words):
        scripts = Counter(
            unicodedata.name(letter, "UNKNOWN").split()[0]
            for word in words
            if word.turn == turn
            for letter in word.text
            if letter.isalpha()
        )
        foreign = {name: count for name, count in scripts.items() if name not in allowed and name not in _ANY_SCRIPT}
        # Latin names and brands stand in texts of every script.
        foreign = foreign if "LATIN" in allowed else {name: n for name, n in foreign.items() if name != "LATIN"}
        if foreign and sum(foreign.values()) > _FOREIGN_SHARE * scripts.total():
            most = max(foreign, key=lambda name: foreign[name])
            yield Fault(
                turn,
                FaultKind.WRONG_SCRIPT,
                f"the words are in {most.title()} letters, {LANGUAGES.get(base_language(expected), expected)} is "
                f"written in {' or '.join(name.title() for name in allowed)}",
            )


_ANY_SCRIPT = {"MODIFIER", "FULLWIDTH", "HALFWIDTH", "MASCULINE", "FEMININE", "UNKNOWN"}


def lowest_confidence(words: Sequence[Word], said: str, language: str = "en") -> float | None:
    """The lowest confidence among the words that carried a fact; None where no run of words resembles it.

    Args:
        words: words of the turn, in order.
        said: the fact as it was read from the text: `9:13`, `thirty two dollars`. Spellings are brought together as
            the checks do it, so that `nine thirteen` carries `9:13`.
        language: language of the words.
    """
    run = _carrying(words, said, language)
    return min(word.confidence for word in run) if run else None


_SAME = 90.0


def _carrying(words: Sequence[Word], said: str, language: str) -> Sequence[Word]:
    """The shortest run of words that is most like `said`."""
    wanted = _letters(said, language)
    if not wanted:
        return ()
    unspaced = base_language(language) in UNSPACED
    longest = _LONGEST_PHRASE + (len(wanted) if unspaced else len(said.split()))
    best: tuple[float, int] = (0.0, 0)
    carrying: Sequence[Word] = ()
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + longest) + 1):
            run = words[start:end]
            heard = _letters(" ".join(word.text for word in run), language)
            # Another number is another fact, however alike its digits look.
            if _digits(heard) != _digits(wanted):
                continue
            # What a recogniser takes for one word of an unspaced script may hold a part of it.
            score = 100.0 if unspaced and wanted in heard else fuzz.ratio(wanted, heard)
            if (score, start - end) > best:
                best, carrying = (score, start - end), run
    return carrying if best[0] >= _SAME else ()


def _letters(text: str, language: str) -> str:
    """Without accents, as `contains` hears phrases: a recogniser drops them."""
    plain = unaccented("".join(spoken_words(text, language)))
    return "".join(letter for letter in plain if letter.isalnum())


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum()) or text


def _turns(words: Sequence[Word]) -> list[int | None]:
    """The turns that words belong to, in the order of the call."""
    return list(dict.fromkeys(word.turn for word in words))
