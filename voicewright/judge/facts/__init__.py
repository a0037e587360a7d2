"""Facts in spoken, written and recognised form: `half past seven`, `7.30`, `730` and `seven thirty` are one time.

There is one module for each kind of fact. A finder returns every reading that a text allows; a fact is right if the
expected value is among its readings. English is read in full; of other languages numbers, clock words, and names of
months and weekdays.
"""

from voicewright.judge.facts.comparison import CRITICAL, FactComparison, compare_facts, count
from voicewright.judge.facts.fact import Fact, Kind, Match
from voicewright.judge.facts.find import find_facts
from voicewright.judge.facts.match.dates import match_date
from voicewright.judge.facts.match.money import match_amount
from voicewright.judge.facts.match.names import match_name
from voicewright.judge.facts.match.numbers import match_number
from voicewright.judge.facts.match.times import match_time

__all__ = [
    "CRITICAL",
    "Fact",
    "FactComparison",
    "Kind",
    "Match",
    "compare_facts",
    "count",
    "find_facts",
    "match_amount",
    "match_date",
    "match_name",
    "match_number",
    "match_time",
]
