"""Quantities in words as figures: `two and a half million`, `minus five`, `half a dozen`, `point five`, `twice a day`."""

import re
from dataclasses import dataclass
from functools import cache, partial

from voicewright.judge.facts.fact import Page, Put
from voicewright.judge.facts.figures import VALUE, number_of
from voicewright.judge.facts.figures import figures as plain_figures
from voicewright.languages import base_language

_N = rf"(?<![\w.,:$£€-])(?P<n>{VALUE})"
_AMOUNT = rf"(?<![\w.,:])(?P<sign>[$£€¥₹]\s?)?(?P<n>{VALUE})"
_POWERS = "1000000000000|1000000000|1000000|1000"
_COUPLED = 1000
"""`2 1000` is two thousand; `2026 1000` is two numbers."""


_ROUND = re.compile(r"(?<![\w.,+(/-])\d{2,10}0{5}(?![\d/-]|[., ]\d)")
_GROUPED_FROM = 1_000_000


def figures(value: float) -> str:
    """A number as figures, by thousands where it might be taken for a telephone number."""
    return f"{value:,.15g}" if value >= _GROUPED_FROM and value == int(value) else plain_figures(value)


@dataclass(frozen=True)
class _Words:
    """The words of a language, as regular expressions. Empty where it says such quantities in another way."""

    minus: str = ""
    below_zero: str = ""
    dozen: str = ""
    half_dozen: str = ""
    magnitudes: tuple[tuple[str, float], ...] = ()
    and_half: str = ""
    """After a number and perhaps a noun. Where hours are told so as well, only what tells of no hour."""
    half: str = ""
    """Before a noun that can be halved."""
    hours: tuple[tuple[str, float], ...] = ()
    """Parts of an hour that have names, in hours."""
    hour: str = "hours"


_WORDS = {
    "en": _Words(
        minus=r"\b(?:minus|negative)\s",
        below_zero=r"below (?:zero|0|freezing)",
        dozen="dozen",
        half_dozen="half an? dozen",
        magnitudes=((r"k\b(?! (?:run|race|walk))", 1e3), (r"bn\b", 1e9), (r"-?thousand\b", 1e3), (r"-?million\b", 1e6), (r"-?billion\b", 1e9), (r"tn\b|-?trillion\b", 1e12), (r"la(?:kh|c)s?\b", 1e5), (r"crores?\b", 1e7), (r"grand\b(?! \w)", 1e3)),
        hours=((r"(?:\b(?:a|1) )?\bquarter(?: of an)?[ -]hour", 0.25), (r"\b3 quarters? of an hour", 0.75), (r"\bhalf[ -](?:an )?hour", 0.5)),
    ),
    "es": _Words(
        minus=r"(?<!al )(?<!lo )(?<!\d )\bmenos ", below_zero="bajo (?:0|cero)", dozen="docenas?", half_dozen="media docena",
        magnitudes=((r"mil millones\b", 1e9), (r"mill[oó]n(?:es)?\b", 1e6), (r"mil\b", 1e3)),
        and_half=r"y medi[oa]", half=r"\bmedi[oa] (?=hora|pastilla|comprimid|tablet|litro|kilo|metro|taza|cucharad|dosis|1000000)",
        hours=((r"\b(?:un|1) (?:cuarto|4º) de hora", 0.25), (r"\b3 cuartos de hora", 0.75)), hour="horas",
    ),
    "fr": _Words(
        minus=r"(?<!au )(?<!du )(?<!de )(?<!heures )(?<!heure )(?<!\d )\bmoins ", below_zero=r"(?:en dessous de|sous) (?:0|zéro)",
        dozen="douzaines?", half_dozen="(?:une |1 )?demi-douzaine",
        magnitudes=((r"milliards?\b", 1e9), (r"millions?\b", 1e6), (r"mille\b", 1e3)),
        and_half="et demie?", half=r"\b(?:une? |1 )?demi[- ](?=[a-z])",
        hours=((r"\b(?:un|1) quart d'heure", 0.25), (r"\b3 quarts d'heure", 0.75)), hour="heures",
    ),
    "it": _Words(
        minus=r"(?<!\d )\bmeno ", below_zero="sotto (?:lo )?(?:0|zero)", dozen="dozzin[ae]", half_dozen="mezza dozzina",
        magnitudes=((r"miliard[oi]\b", 1e9), (r"milion[ei]\b", 1e6), (r"mila\b", 1e3)),
        and_half="e mezz[oa]", half=r"\bmezz(?:[oa] |')(?=ora|compress|past|litro|chilo|metro|tazza|cucchiai|dose)",
        hours=((r"\b(?:un|1) (?:quarto|4º) d'ora", 0.25), (r"\b3 quarti d'ora", 0.75)), hour="ore",
    ),
    "pt": _Words(
        minus=r"(?<!pelo )(?<!ao )(?<!\d )\bmenos ", below_zero=r"(?:abaixo de (?:0|zero)|negativos?)\b", dozen="dúzias?", half_dozen="meia dúzia",
        magnitudes=((r"bilh(?:ão|ões)\b", 1e9), (r"milh(?:ão|ões)\b", 1e6), (r"mil\b", 1e3)),
        and_half="e meio", half=r"\bmei[oa] (?=hora|comprimid|pastilha|litro|quilo|metro|copo|xícara|colher|dose|1000000)",
        hours=((r"\b(?:um|1) (?:quarto|4º) de hora", 0.25), (r"\b3 quartos de hora", 0.75)), hour="horas",
    ),
    "de": _Words(
        minus=r"\bminus ", below_zero="unter (?:null|0)", dozen="dutzend", half_dozen="(?:ein )?halbes dutzend",
        magnitudes=((r"(?:milliarden?|mrd)\b", 1e9), (r"(?:million(?:en)?|mio)\b", 1e6), (r"tausend\b", 1e3)),
        and_half="und eine? halbe?", half=r"\b(?:eine? |1 )?halbe[ns]? (?=stunde|tablette|liter|kilo|meter|tasse|dosis)",
        hours=((r"\b(?:eine )?viertelstunde", 0.25), (r"\b(?:eine )?dreiviertelstunde", 0.75)), hour="stunden",
    ),
    "zh": _Words(
        minus=r"零下|(?<![\d抱])负|(?<!\d)负", magnitudes=((r"[亿億]", 1e8), (r"[万萬]", 1e4)), half=r"半(?=[片粒杯个個小])个?",
        hours=((r"[1一]刻[钟鐘]", 0.25),), hour="小时",
    ),
    "ja": _Words(minus=r"マイナス|氷点下|零下", magnitudes=((r"億", 1e8), (r"万", 1e4)), half=r"半(?=[錠杯])"),
    "ko": _Words(minus=r"(?:영하|마이너스)\s?", magnitudes=((r"억", 1e8), (r"만", 1e4))),
    "hi": _Words(minus=r"माइनस\s", magnitudes=((r"लाख", 1e5), (r"करोड़", 1e7), (r"हज़ार", 1e3))),
}  # fmt: skip
_UNITS = "hour|minute|day|week|month|year|mile|tablet|pill|cup|teaspoon|tablespoon|liter|litre|pound|ounce|inch|foot|kilo|glass"
_IS_AN_HOUR = r"\b(?P<before>in|for|takes?|took|within|lasts?|about|after|around|is|than|over|every) an? (?=(?:hour|week|month|year)\b(?! and))"
_EAST_ONES = {sign: str(number) for number, sign in enumerate("零一二三四五六七八九")} | {
    "两": "2",
    "\u3007": "0",
    "十": "10",
}
_ONE = "[一二两三四五六七八九]"
_EAST: tuple[tuple[str, str | Put], ...] = (
    (rf"(?P<n>{_ONE}|\d+)(?:个|時間)半(?:钟头|小时)?", lambda m: f"{_EAST_ONES.get(m['n'], m['n'])}.5小时"),
    (
        rf"(?P<n>{_ONE}|十|\d+)[点點](?P<f>[零〇一二三四五六七八九]+)(?![点點分刻半时時])",
        lambda m: _EAST_ONES.get(m["n"], m["n"]) + "." + "".join(_EAST_ONES[sign] for sign in m["f"]),
    ),
    (rf"(?P<n>{_ONE})(?=[万萬亿億])|(?<=[负下])(?P<n2>{_ONE})(?![一-九百千])", lambda m: _EAST_ONES[m["n"] or m["n2"]]),
    (r"(?<![\d零一二两三四五六七八九十])(?P<n>[百千])(?=[万萬億亿])", lambda m: "100" if m["n"] == "百" else "1000"),
)


def put_figures(page: Page, language: str) -> None:
    """Write quantities that a page says in words as figures; facts still quote the words."""
    for pattern, put in _rules(base_language(language)):
        page.put(pattern, put)


@cache
def _rules(language: str) -> tuple[tuple[re.Pattern[str], str | Put], ...]:
    words = _WORDS.get(language)
    if words is None:
        return ()
    rules: list[tuple[str, str | Put]] = [*_english()] if language == "en" else []
    rules += [(named, f"{part:g} {words.hour}") for named, part in words.hours]
    rules += _EAST if language in {"zh", "ja"} else ()
    if words.half_dozen:
        rules.append((rf"\b{words.half_dozen}\b", "6"))
        rules.append((rf"{_N} {words.dozen}\b", lambda m: figures(number_of(m["n"]) * 12)))
        rules.append((rf"\b(?:an?|une?|una|uma|um|un|ein) {words.dozen}\b", "12"))
    if words.and_half:
        noun = r"(?P<noun> (?!heures?\b|horas?\b|ore\b)[^\W\d]+)?"
        rules.append((rf"(?<!las )(?<!la )(?<!le )(?<!alle )(?<!ore )(?<!às ){_N}{noun} {words.and_half}\b", _and_half))
    if words.half:
        rules.append((words.half, "0.5 " if language not in {"zh", "ja"} else "0.5"))
    rules.append((rf"{_AMOUNT} (?P<by>{_POWERS})(?![\d.,]\d|\d)", _coupled))
    rules += [(rf"{_AMOUNT}\s?(?:{named})", partial(_times, factor)) for named, factor in words.magnitudes]
    if words.below_zero:
        rules.append((rf"{_N}(?P<unit>[ °][^\d.,;]{{1,20}}?)? {words.below_zero}", r"-\g<n>\g<unit>"))
    if words.minus:
        rules.append((rf"(?:{words.minus})(?=[$£€¥₹]?\s?\d)", "-"))
    rules.append((_ROUND.pattern, lambda m: figures(int(m[0]))))
    return tuple((re.compile(pattern), put) for pattern, put in rules)


def _english() -> tuple[tuple[str, str | Put], ...]:
    return (
        (r"(?<!this )(?<!that )(?<!which )(?<!some )(?<!the )(?<!\d )\bpoint (?P<f>\d(?: ?\d)*)\b", lambda m: "0." + m["f"].replace(" ", "")),
        (r"\b(?:an?|1) (?P<unit>" + _UNITS + r") and a (?P<part>half|quarter)\b", lambda m: f"{1 + _PARTS[m['part']]:g} {m['unit']}s"),
        (rf"{_N} (?P<unit>(?:{_UNITS})s?) and a (?P<part>half|quarter)\b", lambda m: f"{figures(number_of(m['n']) + _PARTS[m['part']])} {m['unit']}"),
        (rf"{_N} and (?:a |3 )?(?P<part>half|quarters?)\b", _mixed),
        (rf"\b(?:a |1 )?(?P<by>{_POWERS}) and a half\b", lambda m: figures(int(m["by"]) * 1.5)),
        (r"\bhalf (?:an?|of an?|the|of the|of your|your) (?=(?!dozen)[a-z\d])", "0.5 "),
        (r"\b(?:a|1) half\b(?! (?:past|dozen|hour|day|\d))", "0.5"),
        (r"\b3 quarters\b(?! (?:past|to|of an hour))", "0.75"),
        (r"\b(?:a|1) quarter of (?:an? |the |your )(?!\d|hour)", "0.25 "),
        (rf"(?P<sign>[$£€¥₹]\s?)(?P<n>{VALUE})\s?m(?:n|io)?\b(?!\.)", lambda m: f"{m['sign']}{figures(number_of(m['n']) * 1e6)}"),
        (r"\btwice\b", "2 times"),
        (r"\bthrice\b", "3 times"),
        (r"\bonce (?=an? |per |every |each |daily|weekly|monthly)", "1 times "),
        (_IS_AN_HOUR, r"\g<before> 1 "),
    )  # fmt: skip


_PARTS = {"half": 0.5, "quarter": 0.25, "quarters": 0.75}


def _times(factor: float, match: re.Match[str]) -> str:
    return f"{match['sign'] or ''}{figures(number_of(match['n']) * factor)}"


def _mixed(match: re.Match[str]) -> str:
    return figures(number_of(match["n"]) + _PARTS[match["part"]])


def _coupled(match: re.Match[str]) -> str | None:
    value, power = number_of(match["n"]), int(match["by"])
    return f"{match['sign'] or ''}{figures(value * power)}" if value < _COUPLED else None


def _and_half(match: re.Match[str]) -> str:
    """Half of the last magnitude: `2000000 y medio` is two and a half million."""
    value = number_of(match["n"])
    part = next((power for power in (1e9, 1e6) if value and value % power == 0), 1)
    return f"{figures(value + part / 2)}{match['noun'] or ''}"
