"""Brings words to one spelling: case, punctuation, number words, contractions."""

import re
import unicodedata

import cn2an
from text_to_num import alpha2digit

from voicewright.judge.text.recogniser_spellings import as_said
from voicewright.languages import WITHOUT_SPACES, base_language

UNSPACED = WITHOUT_SPACES | {"ko"}
"""Languages written without spaces between words, or (Korean) with spaces that vary: counted by characters."""
_NUMBER_WORDS = {"ca", "de", "en", "es", "fr", "it", "nl", "pt"}
"""Languages whose number words text2num reads."""
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "−": "-"})  # noqa: RUF001 - that is what they are
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_MERIDIEM = re.compile(r"(?<=\d)( ?)([ap])(?:\. ?| )m\b\.?")
_ENGLISH_WORDS = [
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d)(?=[ap]m\b)"), " "),
    (re.compile(r"%"), " percent"),
    (re.compile(r"\b(there|that|what|where|here)'?s\b"), r"\1 is"),
    (re.compile(r"\b(i|you|we|they)'?ve\b"), r"\1 have"),
    (re.compile(r"\b(you|they)'?re\b"), r"\1 are"),
    (re.compile(r"\bwe're\b"), "we are"),
    (re.compile(r"\b(it|that|you|they)'?ll\b"), r"\1 will"),
    (re.compile(r"\b(i|we|he|she)'ll\b"), r"\1 will"),
    (re.compile(r"\bi'?m\b"), "i am"),
]
"""What is said in one way and written in several: `1,290`, `5pm`, `20%`, `there's`."""
_ABBREVIATED = {"dr": "doctor", "mr": "mister", "mrs": "missus", "ok": "okay"}
_EAST_DIGITS = str.maketrans("零〇一二三四五六七八九", "00123456789")
_EAST_RUN = re.compile(r"[零〇一二三四五六七八九]{3,}")
_EAST_NUMBER = re.compile(
    r"[零一二两三四五六七八九十百千万亿]*[零一二三四五六七八九十][零一二三四五六七八九十百千万亿]+"
    r"|[一二两三四五六七八九十](?=[点點月日号號元块円年岁折时時分%度])"
)
_EAST_WEEKDAY = re.compile(r"((?:星期|礼拜|周)[一二三四五六日天])(?=[零一二三四五六七八九十两])")
_EAST_PERCENT = re.compile(r"百分之([零一二两三四五六七八九十百\d.]+)")
_NO_SPACES = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f])")
_SIGNS = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u1000-\u109f"
)
"""Vowel signs and accents that scripts write as marks (Devanagari, Thai, Arabic). `\\w` does not match them."""
_ACCENTS = re.compile(r"(?<=[A-Za-z])[\u0300-\u036f]+")
_EDGES = re.compile(rf"[^\w$£€%'+{_SIGNS}-]+|(?<!\w)['-]|['-](?!\w)")


def digits(text: str, language: str) -> str:
    """Lower case, with digits for number words: `half past 7` for `Half past seven`, `march 3rd` for `March third`."""
    plain = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    if not plain.isascii():
        plain = "".join(
            str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isascii() else sign for sign in plain
        )
    base = base_language(language)
    if base in {"zh", "ja"}:
        return _east(plain)
    if base not in _NUMBER_WORDS:
        return plain
    if base != "en":
        return str(alpha2digit(plain, base, threshold=0))
    spoken = str(alpha2digit(_HYPHEN.sub(" ", plain), base, threshold=0))
    return as_said(_MERIDIEM.sub(r"\1\2m ", spoken)).rstrip()


def _east(text: str) -> str:
    """Digits for Chinese and Japanese numerals. A run of three or more without units is read digit by digit."""
    text = _EAST_WEEKDAY.sub(r"\1 ", text)  # an hour may follow, and would be read as part of it
    text = _EAST_RUN.sub(lambda run: run[0].translate(_EAST_DIGITS), text)
    text = _EAST_PERCENT.sub(r"\1%", text)
    return _EAST_NUMBER.sub(lambda found: _east_number(found[0]), text)


def _east_number(numeral: str) -> str:
    try:
        return str(cn2an.cn2an(numeral, "smart"))
    except (ValueError, KeyError):  # two numbers run together
        return numeral


def words(text: str, language: str) -> list[str]:
    """The words of a text, without punctuation; single characters for languages without spaces between words."""
    spoken = digits(text, language)
    if base_language(language) == "en":
        for pattern, put in _ENGLISH_WORDS:
            spoken = pattern.sub(put, spoken)
    spoken = spoken.replace("'", "")
    return unabbreviated(_NO_SPACES.sub(r" \1 ", _EDGES.sub(" ", spoken)).split(), language)


def unabbreviated(plain: list[str], language: str) -> list[str]:
    """Lower-case words with titles in full: `doctor` for `dr`."""
    return [_ABBREVIATED.get(word, word) for word in plain] if base_language(language) == "en" else plain


def unaccented(text: str) -> str:
    """Latin letters without their accents: `clinica` for `clínica`. Vowel signs of other scripts stay."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
