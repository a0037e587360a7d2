"""How a text is read aloud: as phonemes, in the signs of Kokoro's vocabulary.

The signs are IPA, with single letters for affricates and English diphthongs and arrows for the tones of Mandarin (see
hexgrad/misaki). The receptionist's phrases spell all numbers out, so none are read here.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial

from examples.desk.speech.espeak import espeak

Reader = Callable[[str], str]

_PUNCTUATION = re.compile(r"\s*([,.!?;:。、，！？；：।])\s*")
_MARKS = str.maketrans("。、，！？；：।", ".,,!?;:.")
_OTHER_LANGUAGE = re.compile(r"\([a-z-]+\)")
"""espeak-ng marks words that it reads as another language's: `(en)wiːkɛnd(fr)`."""
_AFFRICATES = {"tʃ": "ʧ", "dʒ": "ʤ", "ts": "ʦ", "dz": "ʣ"}
_DIPHTHONGS = {"eɪ": "A", "aɪ": "I", "aʊ": "W", "ɔɪ": "Y", "əʊ": "Q"}
_BRITISH = {**_AFFRICATES, **_DIPHTHONGS, "eə": "ɛː", "iə": "ɪə", "ɐ": "ə", "a": "æ", "r": "ɹ"}

_JAPANESE = {
    "ch": "ʨ", "sh": "ɕ", "j": "ʥ", "ts": "ʦ", "f": "ɸ", "r": "ɾ", "y": "j", "w": "β", "g": "ɡ", "N": "ɴ", "cl": "ʔ",
    "u": "ɯ", "U": "ɯ", "I": "i", "A": "a", "E": "e", "O": "o", "ny": "ɲ", "hy": "ç", "gy": "ɡʲ", "ry": "ɾʲ",
}  # fmt: skip
"""OpenJTalk's names where they are not already IPA; capital vowels are devoiced."""
_JAPANESE_VARIANTS = (
    (re.compile(r"([aiɯeo])\1"), r"\1ː"),
    (re.compile(r"([kɡbpmɾ])i"), r"\1ʲi"),
    (re.compile(r"ni"), "ɲi"),
    (re.compile(r"hi"), "çi"),
    (re.compile(r"([szʦ])ɯ"), r"\1ɨ"),
)
"""How a sound changes before or after another."""

_BOPOMOFO = {
    "ㄅ": "p", "ㄆ": "pʰ", "ㄇ": "m", "ㄈ": "f", "ㄉ": "t", "ㄊ": "tʰ", "ㄋ": "n", "ㄌ": "l", "ㄍ": "k", "ㄎ": "kʰ",
    "ㄏ": "x", "ㄐ": "ʨ", "ㄑ": "ʨʰ", "ㄒ": "ɕ", "ㄓ": "ꭧ", "ㄔ": "ꭧʰ", "ㄕ": "ʂ", "ㄖ": "ɻ", "ㄗ": "ʦ", "ㄘ": "ʦʰ",
    "ㄙ": "s", "ㄧ": "j", "ㄨ": "w", "ㄩ": "ɥ", "ㄚ": "a", "ㄛ": "o", "ㄜ": "ɤ", "ㄝ": "e", "ㄞ": "ai", "ㄟ": "ei",
    "ㄠ": "au", "ㄡ": "ou", "ㄢ": "an", "ㄣ": "ən", "ㄤ": "aŋ", "ㄥ": "əŋ", "ㄦ": "ɚ",
}  # fmt: skip
_MANDARIN_FINALS = {
    "ㄧㄢ": "jɛn", "ㄩㄢ": "ɥɛn", "ㄧㄣ": "in", "ㄧㄥ": "iŋ", "ㄩㄣ": "yn", "ㄩㄥ": "jʊŋ", "ㄨㄥ": "ʊŋ",
}  # fmt: skip
_NO_VOWEL = "ㄓㄔㄕㄖㄗㄘㄙ"
_VOWEL_OF_GLIDE = {"j": "i", "w": "u", "ɥ": "y"}
_TONES = {"ˊ": "↗", "ˇ": "↓", "ˋ": "↘", "˙": ""}


def by_espeak(text: str, voice: str, signs: dict[str, str]) -> str:
    """Read by the rules of one of espeak-ng's voices; `signs` turns its IPA into Kokoro's."""
    ipa = _OTHER_LANGUAGE.sub("", espeak().phonemes(text, voice)).replace("-", "")
    for old, new in signs.items():
        ipa = ipa.replace(old, new)
    return ipa


def japanese(text: str) -> str:
    """Read by OpenJTalk, word by word."""
    import pyopenjtalk  # noqa: PLC0415 - a large dictionary, which other languages do without

    kana = (word["pron"].replace("’", "") for word in pyopenjtalk.run_frontend(text))
    return " ".join(_japanese_ipa(pyopenjtalk.g2p(word, join=False)) for word in kana)


def _japanese_ipa(sounds: Iterable[str]) -> str:
    ipa = "".join(_JAPANESE.get(sound) or re.sub(r"(?<=.)y", "ʲ", sound) for sound in sounds)
    for sound, variant in _JAPANESE_VARIANTS:
        ipa = sound.sub(variant, ipa)
    return ipa


def mandarin(text: str) -> str:
    """Read by pypinyin, in Bopomofo: unlike Pinyin it writes one sound with one sign."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - large tables, which other languages do without

    return " ".join(map(_syllable, lazy_pinyin(text, style=Style.BOPOMOFO, tone_sandhi=True)))


def _syllable(bopomofo: str) -> str:
    tone = next((_TONES[sign] for sign in bopomofo if sign in _TONES), "→")
    plain = "".join(sign for sign in bopomofo if sign not in _TONES)
    ipa = plain
    for written, spoken in (_MANDARIN_FINALS | _BOPOMOFO).items():
        ipa = ipa.replace(written, spoken)
    if plain[-1] in _NO_VOWEL:
        ipa += "ɨ"
    elif ipa[-1] in _VOWEL_OF_GLIDE:
        ipa = ipa[:-1] + _VOWEL_OF_GLIDE[ipa[-1]]
    return re.sub(r"([nŋ]?)$", rf"{tone}\1", ipa, count=1)


def aloud(text: str, read: Reader) -> str:
    """A text with its punctuation, clause by clause: punctuation is what Kokoro takes the intonation from."""
    parts = _PUNCTUATION.split(text)
    return "".join(part.translate(_MARKS) + " " if at % 2 else read(part) for at, part in enumerate(parts) if part)


READERS: dict[str, Reader] = {
    "en-GB": partial(by_espeak, voice="en", signs=_BRITISH),
    "es": partial(by_espeak, voice="es", signs=_AFFRICATES),
    "fr": partial(by_espeak, voice="fr", signs=_AFFRICATES),
    "hi": partial(by_espeak, voice="hi", signs=_AFFRICATES),
    "it": partial(by_espeak, voice="it", signs=_AFFRICATES),
    "pt-BR": partial(by_espeak, voice="pt-br", signs=_AFFRICATES),
    "ja": japanese,
    "zh": mandarin,
}
