"""Clock words of languages other than English: `las siete y media`, `dix heures moins cinq`, `差十分四点`."""

import re

from voicewright.judge.facts.fact import Page
from voicewright.languages import base_language

_H = r"(?<![\d:.,$£€])(?P<h>\d{1,2})"
_M = r"(?P<m>\d{1,2})(?!\d)"
_BACK = r"(?P<back>\d{1,2})(?!\d)"
_ES, _IT = rf"\blas? {_H}", rf"\b(?:alle|ore|dalle|le|verso le) {_H}"
_COMPARED = "远遠近快慢早晚大小多少高低好贵貴宜静靜热熱冷亮暗长長短轻輕重强強弱难難松紧緊厚薄深浅淺新久有"
_CLOCK_NOT_BIT = "|".join(
    (
        r"(?!1[点點])",
        r"(?=1[点點][钟鐘整])",
        r"(?<=有)(?=1[点點]的)",
        r"(?<=[今明昨后後每当當][早晚])",
        r"(?<=差不多)",
        rf"(?<![{_COMPARED}])(?<![{_COMPARED}] )(?!1[点點] ?[儿兒也都点點])",
    )
)
"""`1点` is an hour, but after an adjective it means `a bit`: `早一点`, a bit earlier; `有一点远`, a bit far."""
_FORMS: dict[str, list[tuple[str, int | None]]] = {
    "es": [
        (rf"{_ES} y media", 30), (rf"{_ES} y (?:cuarto|4º)", 15), (rf"{_ES} menos (?:cuarto|4º)", -15), (rf"{_ES} menos {_BACK}", None),
        (rf"\b(?:cuarto|4º) para las? {_H}", -15), (rf"{_BACK} (?:minutos )?para las? {_H}", None),
        (rf"{_ES} (?:horas )?(?:y |con )?{_M}", None), (rf"{_ES}(?! ?[:.]?\d)", 0),
    ],
    "pt": [
        (rf"{_H} ?(?:horas? )?e meia\b(?!-)", 30), (rf"{_BACK} (?:minutos )?para (?:as|a|o) {_H}", None),
        (rf"\b[àa]s {_H} menos {_BACK}", None), (rf"{_H} ?(?:h|horas?) ?(?:e )?{_M}", None), (rf"\b[àa]s {_H} e {_M}", None),
        (rf"{_H} ?(?:h|horas?)\b", 0), (rf"\b[àa]s {_H}(?! ?[:.]?\d)", 0),
    ],
    "fr": [
        (rf"{_H} ?heures? et demie?", 30), (rf"{_H} ?heures? et quart", 15), (rf"{_H} ?heures? moins (?:le|un|1) quart", -15),
        (rf"{_H} ?(?:h|heures?) moins {_BACK}", None), (rf"{_H} ?(?:h|heures?) ?{_M}", None), (rf"{_H} ?(?:h|heures?)\b", 0),
    ],
    "it": [
        (rf"{_H} e mezz[ao]", 30), (rf"{_H} e (?:un |1 )?(?:quarto|4º)", 15), (rf"{_H} meno (?:un|1) (?:quarto|4º)", -15),
        (rf"{_IT} meno {_BACK}", None), (rf"{_IT} e {_M}", None), (rf"\b(?:alle|ore|dalle) {_H}(?! ?[:.]?\d)", 0),
    ],
    "de": [
        (rf"{_BACK} (?:minuten )?vor halb {_H}", -30), (rf"{_M} (?:minuten )?nach halb {_H}", -30), (rf"halb {_H}", -30),
        (rf"(?:3|drei) ?viertel {_H}", -15), (rf"viertel nach {_H}", 15), (rf"viertel vor {_H}", -15),
        (rf"{_BACK} (?:minuten )?vor {_H}", None), (rf"{_M} (?:minuten )?nach {_H}", None),
        (rf"{_H} uhr {_M}", None), (rf"{_H} uhr", 0),
    ],
    "zh": [
        (rf"差{_BACK}分钟?(?:到)?{_H}[点點时時]", None), (rf"差[1一]刻(?:到)?{_H}[点點时時]", -15), (rf"{_H}[点點时時]差{_BACK}分", None),
        (rf"{_H}[点點时時]差[1一]刻", -15), (rf"{_H}[点點时時]半", 30), (rf"{_H}[点點时時]过?[1一]刻", 15), (rf"{_H}[点點时時]过?[3三]刻", 45),
        (rf"{_H}[点點时時]过?{_M}", None), (rf"(?:{_CLOCK_NOT_BIT}){_H}[点點]", 0),
    ],
    "ja": [(rf"{_H}時半", 30), (rf"{_H}時{_BACK}分前", None), (rf"{_H}時{_M}", None), (rf"{_H}時(?!間)", 0)],
    "ko": [(rf"{_H}시 ?반", 30), (rf"{_H}시 ?{_BACK}분 ?전", None), (rf"{_H}시 ?{_M}", None), (rf"{_H}시(?!간)", 0)],
    "hi": [
        (rf"साढ़े {_H}", 30), (rf"सवा {_H}", 15), (rf"पौने {_H}", -15),
        (rf"{_H} बजकर {_M}", None), (rf"{_H} बजे", 0),
    ],
}  # fmt: skip
FORMS = {
    language: [(re.compile(pattern), minutes) for pattern, minutes in patterns] for language, patterns in _FORMS.items()
}
"""By language: forms of a time with their hour `h`, minutes after it `m` or before it `back`, and minutes to add."""

_TWELVE: dict[str, tuple[str, str]] = {
    "es": (r"(?<!del )\b(?P<noon>mediod[ií]a|medianoche)(?P<rest> y media| y (?:cuarto|4º)| menos (?:cuarto|4º)| (?:y|menos) \d{1,2})?", r"las 12\g<rest> \g<noon>"),
    "fr": (r"(?<!après-)(?<!après )\b(?P<noon>midi|minuit)(?P<rest> et demie?| et quart| moins le quart| moins \d{1,2}| \d{1,2})?(?![\w-])", r"12 heures\g<rest> \g<noon>"),
    "it": (r"\b(?P<noon>mezzogiorno|mezzanotte)(?P<rest> e mezz[oa]| e (?:un |1 )?(?:quarto|4º)| meno (?:un |1 )(?:quarto|4º)| (?:e|meno) \d{1,2})?", r"ore 12\g<rest> \g<noon>"),
    "pt": (r"\b(?P<noon>meio-dia|meia-noite)(?P<rest> e meia| e \d{1,2})?", r"às 12\g<rest> \g<noon>"),
    "de": (r"(?:12 uhr )?\b(?P<noon>mitternacht|12 uhr mittags?)(?P<rest>)", r"12 uhr \g<noon>"),
    "zh": (r"(?P<noon>正午|午夜)(?!\d)(?P<rest>)", r"\g<noon>12点"),
    "ja": (r"(?P<noon>正午)(?!\d)(?P<rest>)", r"\g<noon>12時"),
    "ko": (r"(?P<noon>정오|자정)(?! ?\d)(?P<rest>)", r"\g<noon> 12시"),
}  # fmt: skip
_NOON = {language: re.compile(pattern) for language, (pattern, _) in _TWELVE.items()}


def put_noon(page: Page, language: str) -> None:
    """Write noon and midnight as twelve, beside their names."""
    base = base_language(language)
    if base in _NOON:
        page.put(_NOON[base], lambda match: match.expand(_TWELVE[base][1].replace(r"\g<rest>", match["rest"] or "")))
