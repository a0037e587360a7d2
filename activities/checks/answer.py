"""Checks on what the agent answered in one turn: words, patterns, facts, meaning."""

from collections.abc import Callable, Iterator

from activities.checks.facts import Match, match_amount, match_date, match_name, match_number, match_time, spell
from activities.checks.spoken import contains
from activities.ports import MeaningModel
from voicewright.languages import base_language
from voicewright.pattern import compile_pattern
from voicewright.suite import Entities, Expectation, Judge, in_language
from voicewright.verdict import Check, CheckOutcome

_SHOWN = 300
"""Characters of an answer that an evidence line quotes."""

_FACTS: dict[str, tuple[str, Callable[[str, str, str], Match]]] = {
    "times": ("time", match_time),
    "dates": ("date", match_date),
    "amounts": ("amount", match_amount),
    "names": ("name", match_name),
}


def answer_checks(
    expect: Expectation, answer: str, *, turn: int, language: str, model: MeaningModel, judge: Judge
) -> Iterator[Check]:
    """Every expectation of a turn held against the words of the answer."""
    quoted = answer if len(answer) <= _SHOWN else answer[:_SHOWN] + " ..."
    for phrase in in_language(expect.contains, language) or []:
        heard = contains(answer, phrase, language)
        said = "was" if heard else "was not"
        yield _rule("contains", turn, phrase, quoted, passed=heard, evidence=f"{phrase!r} {said} heard")
    for phrase in in_language(expect.absent, language) or []:
        heard = contains(answer, phrase, language)
        said = "was heard and must not be" if heard else "was not heard"
        yield _rule("absent", turn, phrase, quoted, passed=not heard, evidence=f"{phrase!r} {said}")
    for pattern in in_language(expect.matches, language) or []:
        found = compile_pattern(pattern)(answer)
        said = f"matches {answer[found[0] : found[1]]!r}" if found else "matches nothing that was heard"
        yield _rule("matches", turn, pattern, quoted, passed=found is not None, evidence=f"{pattern!r} {said}")
    yield from _fact_checks(expect.entities, answer, quoted, turn=turn, language=language)
    meaning = in_language(expect.meaning, language)
    if meaning is not None:
        yield _meaning(meaning, answer, quoted, turn=turn, language=language, model=model, judge=judge)


def _rule(kind: str, turn: int, expected: str, actual: str, *, passed: bool, evidence: str) -> Check:
    return Check(
        kind=kind,
        turn=turn,
        outcome=CheckOutcome.PASSED if passed else CheckOutcome.FAILED,
        hard=True,
        expected=expected,
        actual=actual,
        evidence=evidence,
        confidence=1.0 if passed else 0.0,
    )


def _fact_checks(entities: Entities, answer: str, quoted: str, *, turn: int, language: str) -> Iterator[Check]:
    for field, (kind, match) in _FACTS.items():
        for expected in getattr(entities, field):
            yield _fact(kind, str(expected), match(expected, answer, language), quoted, turn=turn, language=language)
    for number in entities.numbers:
        found = match_number(number, answer, language)
        yield _fact("number", str(number), found, quoted, turn=turn, language=language)


def _fact(kind: str, expected: str, match: Match, quoted: str, *, turn: int, language: str) -> Check:
    if match.found:
        outcome, confidence = CheckOutcome.PASSED, 1.0
    elif match.unsure or base_language(language) != "en":
        # A misspelt name, or a language whose spoken facts we do not read well enough to call an answer wrong.
        outcome, confidence = CheckOutcome.UNSURE, 0.5
    else:
        outcome, confidence = CheckOutcome.FAILED, 0.0
    evidence = f"{kind}: expected {expected}, heard {spell(match.heard) if not match.found else expected}"
    return Check(
        kind=kind,
        turn=turn,
        outcome=outcome,
        hard=True,
        expected=expected,
        actual=quoted,
        evidence=evidence,
        confidence=confidence,
    )


def _meaning(
    expected: str, answer: str, quoted: str, *, turn: int, language: str, model: MeaningModel, judge: Judge
) -> Check:
    cosine = model.similarity(expected, answer) if answer else 0.0
    confidence = min(1.0, max(0.0, cosine))
    if not model.speaks(language):
        confidence = min(max(confidence, judge.review_at), (judge.pass_at + judge.review_at) / 2)
        outcome, note = CheckOutcome.UNSURE, f"; {model.name} was not made for {language}, so a person decides"
    elif confidence >= judge.pass_at:
        outcome, note = CheckOutcome.PASSED, ""
    elif confidence >= judge.review_at:
        outcome, note = CheckOutcome.UNSURE, ""
    else:
        outcome, note = CheckOutcome.FAILED, ""
    return Check(
        kind="meaning",
        turn=turn,
        outcome=outcome,
        hard=False,
        expected=expected,
        actual=quoted,
        evidence=f"similarity {cosine:.2f} (pass at {judge.pass_at:g}, person from {judge.review_at:g}){note}",
        confidence=round(confidence, 3),
    )
