"""Pinyin syllables in the notation that Kokoro's Mandarin voices were trained on.

Initials and finals are those of Hanyu Pinyin; their IPA is Duanmu's and Lin's (The Phonology of Standard Chinese; The
Sounds of Chinese), the tones are misaki's arrows.
"""

import re

_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_INITIALS = {
    "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l",
    "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
# The tone goes where the 0 is.
_FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n", "eng": "ə0ŋ",
    "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0", "in": "i0n", "iu": "jou0",
    "ing": "i0ŋ", "iong": "jʊ0ŋ", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "ui": "wei0", "ua": "wa0", "uai": "wai0",
    "uan": "wa0n", "un": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ", "uo": "wo0", "o": "wo0", "ü": "y0", "üe": "ɥe0",
    "üan": "ɥɛ0n", "ün": "y0n",
}  # fmt: skip
_ALONE = {"er": "ɚ0", "o": "ɔ0", "ê": "ɛ0", "m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0", "yo": "jɔ0"}
_UNWRITTEN = {
    "yi": "i", "yin": "in", "ying": "ing", "ya": "ia", "yan": "ian", "yang": "iang", "yao": "iao", "ye": "ie",
    "you": "iu", "yong": "iong", "yu": "ü", "yue": "üe", "yuan": "üan", "yun": "ün", "wu": "u", "wa": "ua",
    "wai": "uai", "wan": "uan", "wang": "uang", "wei": "ui", "wen": "un", "weng": "ueng", "wo": "uo",
}  # fmt: skip
"""Syllables without an initial are written with y or w."""
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)(.+)")


def pinyin_phonemes(syllable: str) -> str:
    """`zhong1` to `ꭧʊ→ŋ`; what is no syllable comes back as it is."""
    tone = _TONES.get(syllable[-1:])
    if tone is None:
        return syllable
    plain = syllable[:-1].replace("v", "ü")
    if plain in _ALONE:
        return _ALONE[plain].replace("0", tone)
    match = _SYLLABLE.fullmatch(plain)
    initial, final = (match[1], match[2]) if match else ("", plain)
    final = _UNWRITTEN.get(plain, final)
    if initial in {"j", "q", "x"} and final.startswith("u"):
        final = "ü" + final[1:]
    if final == "i" and initial in {"zh", "ch", "sh", "r", "z", "c", "s"}:
        return f"{_INITIALS[initial]}ɨ{tone}"
    if final not in _FINALS:
        return syllable
    return _INITIALS.get(initial, "") + _FINALS[final].replace("0", tone)
