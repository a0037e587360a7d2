"""What only one of the two texts does: report something as done, ask for a confirmation, answer all that was asked.

They read English.
"""

import re
from collections.abc import Iterator

from voicewright.judge.contradictions.acts import acts
from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.stems import stem
from voicewright.judge.text.words import words

_COMPLETED = re.compile(r"\b(?:is|are|was|were|been|now) (?:complete|completed|finalized|processed|successful)\b")
"""Ways to say that something was done, beside those of the speech acts."""
_CONFIRM = re.compile(
    r"\bplease (?:confirm|verify)\b|\b(?:confirm|confirming|verify|check|ensure)\b.{0,20}\b(?:that|the|these|your|you|following|details)\b"
    r"|\bconfirmation details\b|\byour confirmation to\b|\bis (?:this|that|it|everything|all) (?:right|correct|okay|ok|fine)\b|\b(?:correct|right|okay) ?\?"
    r"|\bi'?m right\b|\bam i right\b",
    re.IGNORECASE,
)
"""A request to confirm what is about to be done."""
_WISH = re.compile(r"\byou(?:'d| would)? (?:want|like|wish|need|prefer)\b|\?", re.IGNORECASE)
"""`You want a table for two`: waits for an answer too."""
_UNLIKE = 0.45
"""A word whose nearest counterpart is less alike than this is not said in other words either."""
_MOST = 4
_OF_ALL = re.compile(r"\b(?:either|neither|none|both)\b")
_CONTRAST = re.compile(r"\b(?:but|though|although|however)\b")


def one_sided_reports(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Only one of the two says that something was done: `it has been booked`."""
    if texts.is_bare:
        return
    expected, actual = map(_reports, (texts.canonical_expected, texts.canonical_actual))
    if expected is not actual:
        yield Contradiction(Rule.REPORT)


def one_sided_confirmations(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Only one of the two asks for a confirmation: `please confirm: play it` for `I am playing it`."""
    for one, other in ((texts.expected_text, texts.actual_text), (texts.actual_text, texts.expected_text)):
        if _CONFIRM.search(one) and not _CONFIRM.search(other) and not _WISH.search(other):
            yield Contradiction(Rule.CONFIRMATION)


def unanswered(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Several words that the question asks about, and that the expected answer takes up, have no counterpart."""
    if texts.is_bare:
        return
    asked = {stem(word) for word in words(texts.question, texts.language)}
    lost = [word for word, near in texts.missing.missing if near < _UNLIKE and stem(word) in asked]
    if len(lost) > 1:
        yield Contradiction(Rule.UNANSWERED, ", ".join(lost[:_MOST]))


def all_for_some(texts: ComparedTexts) -> Iterator[Contradiction]:
    """One text speaks of all at once, and the other tells them apart: `neither` for `this one, but not that one`."""
    for one, other in (
        (texts.canonical_expected, texts.canonical_actual),
        (texts.canonical_actual, texts.canonical_expected),
    ):
        if _OF_ALL.search(one) and _CONTRAST.search(other) and not _OF_ALL.search(other):
            yield Contradiction(Rule.ALL_FOR_SOME)
            return


def _reports(text: str) -> bool:
    return "succeeds" in acts(text, "en") or _COMPLETED.search(text) is not None
