"""A language as a voice engine spells it: each has a table of its own, and not all follow ISO 639 as it is today."""

from collections.abc import Collection

from babel.core import get_global

from voicewright.languages import base_language


def spelled(tag: str, table: Collection[str]) -> str | None:
    """The entry of an engine's table that means the language of `tag`, nearest first; None where none does.

    The same tag in any case; another code of the same language, by CLDR's aliases (Hebrew is `he`, and was `iw`); the
    language without its region.
    """
    entries = {entry.lower(): entry for entry in sorted(table, reverse=True)}
    same = {_today(entry): entry for entry in sorted(table, reverse=True)}
    base = base_language(tag)
    for known, wanted in ((entries, tag.lower()), (same, _today(tag)), (entries, base), (same, _today(base))):
        if wanted in known:
            return known[wanted]
    return None


def _today(tag: str) -> str:
    """A tag by the code that its language has today, in lower case."""
    language, _, rest = tag.lower().partition("-")
    current = str(get_global("language_aliases").get(language, language)).lower()
    return f"{current}-{rest}" if rest else current
