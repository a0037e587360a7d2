"""Speech acts of an answer (asks, succeeds, fails, apologises, offers), its polarity and its negations.

They are features for the scorers. English is matched by phrases, other languages by a few keywords.
"""

import re
from functools import cache

from voicewright.judge.contradictions.data.word_lists import denies
from voicewright.languages import base_language

_NEGATION = {
    "en": r"\b(?:not|never|no|none|nothing|nobody|neither|nor|cannot|without|isnt|arent|dont|wont|cant)\b|n't\b",
    "es": r"\b(?:no|nunca|sin|tampoco|ningun[oa]?|ningún|nada)\b",
    "fr": r"\b(?:ne|pas|jamais|aucune?|sans|rien|non)\b|\bn'",
    "it": r"\b(?:non|mai|senza|nessun[oa]?|niente|no)\b",
    "pt": r"\b(?:não|nunca|sem|nenhuma?|nada)\b",
    "de": r"\b(?:nicht|kein\w*|nie|niemals|ohne|nichts|nein)\b",
    "zh": r"不|没|無|无|未|别",
    "ja": r"ない|ません|なし|ず(?=に)",
    "ko": r"않|없|못|아니|안 ",
    "hi": r"नहीं|मत|बिना|ना\b",
}
_YES = {
    "en": r"^(?:yes|yeah|yep|sure|of course|certainly|absolutely|right|correct|okay|ok)\b", "es": r"^(?:sí|si|claro|por supuesto)\b",
    "fr": r"^(?:oui|bien sûr)\b", "it": r"^(?:sì|si|certo)\b", "pt": r"^(?:sim|claro)\b", "de": r"^(?:ja|natürlich|gerne)\b",
    "zh": r"^(?:是|有|可以|好|对|能)", "ja": r"^(?:はい|ええ)", "ko": r"^(?:네|예)", "hi": r"^(?:हाँ|हां|जी)",
}  # fmt: skip
_NO = {
    "en": r"^(?:no|nope|unfortunately|sorry|i'm sorry|i'm afraid)\b", "es": r"^(?:no|lo siento)\b",
    "fr": r"^(?:non|désolé)", "it": r"^(?:no|mi dispiace)\b", "pt": r"^(?:não|desculpe)", "de": r"^(?:nein|leider)\b",
    "zh": r"^(?:不|没|抱歉|对不起|很遗憾)", "ja": r"^(?:いいえ|申し訳)", "ko": r"^(?:아니|죄송)", "hi": r"^(?:नहीं|क्षमा|माफ)",
}  # fmt: skip
_ACTS: dict[str, dict[str, str]] = {
    "asks": {
        "en": r"\b(?:please confirm|confirm (?:the|that|your|me)|do you want|would you like|shall i|should i|can you confirm|is (?:this|that) (?:right|correct|okay|ok|fine)|which|what (?:day|time|date|city|kind)|how many|when (?:do|would)|where (?:do|would)|correct$|right$)\b",
        "es": r"¿|confirme", "fr": r"\bvoulez-vous|souhaitez|quel(?:le)?s?\b|confirmer", "zh": r"吗|呢|请问|什么|哪|几", "hi": r"क्या|कौन|कब|कृपया पुष्टि",
        "ja": r"か$|でしょうか|ですか", "ko": r"까\b|까$|나요|확인해", "de": r"\bmöchten sie|welche[rsn]?\b|bestätigen", "it": r"\bvuole|quale\b|confermi", "pt": r"\bgostaria|qual\b|confirme",
    },
    "succeeds": {
        "en": r"\b(?:(?:has|have) been|was|were|is|are|am|got|i've|i have|you're|you are|all)\s+(?:now |successfully |just )?(?:booked|confirmed|made|reserved|scheduled|cancelled|canceled|added|created|purchased|sent|moved|set|done|bought|changed|rescheduled|paid)\b|\bsuccess\w*\b|\b(?:enjoy|done)\b",
        "es": r"\b(?:reservad|confirmad|cancelad)\w+", "fr": r"\b(?:réservé|confirmé|annulé)\w*", "zh": r"成功|已经?(?:预订|预定|取消|确认|订)", "hi": r"पुष्टि हो|बुक हो|सफल",
        "de": r"\b(?:gebucht|bestätigt|storniert|reserviert)\b", "it": r"\b(?:prenotat|confermat|annullat)\w+", "pt": r"\b(?:reservad|confirmad|cancelad|marcad)\w+", "ja": r"予約(?:し|が|を)|確定|取れ", "ko": r"예약되|확인되|성공",
    },
    "fails": {
        "en": r"\b(?:unable|could ?n[o']t|couldnt|can ?n[o']t|cant|fail\w*|not able|wasn't able|unfortunately|no \w+ (?:available|left|found)|not (?:possible|available|successful)|unsuccessful\w*|unavailable|problem|error|issue|went wrong|not go through|didn't go through|did ?n[o']t)\b",
        "es": r"\b(?:no (?:pude|puedo|es posible|hay)|lamentablemente|desafortunadamente)\b", "fr": r"\b(?:impossible|malheureusement|échoué)\b", "zh": r"失败|抱歉|遗憾|没有找到|无法|不能", "hi": r"असफल|विफल|नहीं हो|उपलब्ध नहीं",
        "de": r"\b(?:leider|nicht möglich|fehlgeschlagen)\b", "it": r"\b(?:purtroppo|impossibile|non è possibile)\b", "pt": r"\b(?:infelizmente|não (?:foi|é) possível)\b", "ja": r"できません|できなく|あいにく", "ko": r"실패|죄송|불가능|없습니다",
    },
    "apologises": {
        "en": r"\b(?:sorry|apolog\w+|regret|afraid)\b", "es": r"\b(?:lo siento|disculp\w+|perdón)\b", "fr": r"\b(?:désolée?|pardon|excus\w+)\b", "zh": r"抱歉|对不起|不好意思", "hi": r"क्षमा|माफ|खेद",
        "de": r"\b(?:entschuldig\w+|leid)\b", "it": r"\b(?:dispiace|scusi)\b", "pt": r"\b(?:desculp\w+|sinto muito)\b", "ja": r"申し訳|すみません|ごめん", "ko": r"죄송|미안",
    },
    "offers": {
        "en": r"\b(?:how about|what about|there(?:'s| is| are)|i (?:found|see|have|suggest|recommend)|we have|found|would you like|you (?:can|could|may) (?:try|see|watch|visit|check)|options?)\b",
        "es": r"\b(?:hay|qué tal|encontré|recomiendo)\b", "fr": r"\b(?:il y a|que diriez|j'ai trouvé|recommande)\b", "zh": r"推荐|怎么样|有一|为您找到", "hi": r"सुझाव|सिफारिश|मिला",
        "de": r"\b(?:es gibt|wie wäre|empfehle)\b", "it": r"\b(?:c'è|ci sono|consiglio)\b", "pt": r"\b(?:há|que tal|encontrei|recomendo)\b", "ja": r"いかが|おすすめ|あります", "ko": r"추천|어떠|있습니다",
    },
}  # fmt: skip
ACTS = tuple(_ACTS)
_WORD = re.compile(r"[a-z]+")


@cache
def _pattern(table: str, language: str) -> re.Pattern[str] | None:
    words = {"negation": _NEGATION, "yes": _YES, "no": _NO, **_ACTS}[table].get(language)
    return re.compile(words) if words else None


def negations(text: str, language: str) -> int:
    """The number of negations in a canonical text; in English words such as `unavailable` count."""
    base = base_language(language)
    pattern = _pattern("negation", base)
    found = len(pattern.findall(text)) if pattern else 0
    return found + sum(denies(word) for word in _WORD.findall(text)) if base == "en" else found


def polarity(text: str, language: str) -> int:
    """1 if a canonical text begins with a yes, -1 if with a no, else 0."""
    base = base_language(language)
    for name, sign in (("no", -1), ("yes", 1)):
        pattern = _pattern(name, base)
        if pattern is not None and pattern.search(text):
            return sign
    return 0


def acts(text: str, language: str) -> frozenset[str]:
    """Which of `ACTS` a canonical text performs."""
    base = base_language(language)
    return frozenset(name for name in ACTS if (pattern := _pattern(name, base)) is not None and pattern.search(text))
