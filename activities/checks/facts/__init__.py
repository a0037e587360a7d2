"""Facts in spoken, written and recognised form: `half past seven`, `7.30`, `730` and `seven thirty` are one time.

Every finder returns all readings that a text allows; a fact is right when the expected one is among them. English is
read in full, other languages by their numbers, clock words, month and weekday names.
"""

from collections.abc import Iterable

from activities.checks.facts.amounts import match_amount, match_number
from activities.checks.facts.by_ear import confusable, sounds_near
from activities.checks.facts.compare import CRITICAL, Comparison, compare, count, explain, find_facts
from activities.checks.facts.dates import match_date
from activities.checks.facts.fact import Fact, Kind, Match
from activities.checks.facts.names import match_name
from activities.checks.facts.times import match_time

__all__ = [
    "CRITICAL", "Comparison", "Fact", "Kind", "Match", "compare", "confusable", "count", "explain", "find_facts", "match_amount", "match_date",
    "match_name", "match_number", "match_time", "sounds_near", "spell",
]  # fmt: skip


def spell(heard: Iterable[str]) -> str:
    """What was heard instead, for an evidence line."""
    return ", ".join(heard) or "nothing of the kind"
