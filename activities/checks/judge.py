"""From checks to one verdict."""

import re
from collections.abc import Sequence

from activities.checks.language_chain import missed_because, weak_because
from activities.checks.recogniser_faults import Fault, FaultKind, lowest_confidence
from voicewright.transcript import SideTranscript, Word
from voicewright.verdict import Check, CheckOutcome, Decision, Verdict

MIN_WORD_CONFIDENCE = 0.55
"""Mean word confidence of an answer under which its text is no ground for a verdict."""
MIN_FACT_CONFIDENCE = 0.5
"""Confidence of the least sure word that carries a fact, under which a fail is for a person."""
MIN_HIDING_CONFIDENCE = 0.3
"""Confidence of a word under which it may be what was expected: `a date`, 0.26 sure of the `a`, was `at eight`."""
_BESIDE_HIDING = 0.65
"""Confidence under which the words beside such a one are as doubtful."""
_FILLERS = frozenset({"ah", "er", "erm", "hm", "hmm", "mhm", "oh", "okay", "ok", "so", "uh", "um", "well", "yeah"})
_ON_SOUND = {
    *(
        "conversation",
        "within_ms",
        "overlap",
        "language",
        "interrupt",
        "hangup",
        "transfer",
        "dtmf",
        "intent",
        "result",
    ),
    *("dead_air_ms", "latency_p95_ms", "clipping", "false_interruptions", "talk_ratio", "level_dbfs", "quality"),
}
"""Checks that do not depend on the recogniser's words."""
_SOUGHT = {"contains", "matches", "time", "date", "amount", "name", "number"}
"""Checks that fail because something was not among the words."""
_HEARD = re.compile(r"heard ([^;]+)")


def language_checks(found: Sequence[Fault], language: str) -> list[Check]:
    """An answer in another language or script than the caller's: a person listens, and nothing passes."""
    return [
        Check(
            kind="language",
            turn=fault.turn,
            outcome=CheckOutcome.UNSURE,
            hard=True,
            expected=language,
            actual=fault.evidence,
            evidence=fault.evidence,
            confidence=0.1,
        )
        for fault in found
        if fault.kind in {FaultKind.WRONG_LANGUAGE, FaultKind.WRONG_SCRIPT}
    ]


def doubt_words(checks: Sequence[Check], agent: SideTranscript, found: Sequence[Fault] = ()) -> list[Check]:
    """Checks on words that are not to be trusted decide nothing: a person listens."""
    weak = weak_because(agent.language)
    return [_doubted(check, agent, found, weak) for check in checks]


def _doubted(check: Check, agent: SideTranscript, found: Sequence[Fault], weak: str | None) -> Check:
    if check.turn is None or check.kind in _ON_SOUND:
        return check
    doubt = weak or _fault(check.turn, found) or _unsure(check, agent)
    if doubt is None:
        return check
    heard = agent.confidence(check.turn) or 0.0
    confidence = min(check.confidence, heard) if check.outcome is CheckOutcome.PASSED else max(check.confidence, 0.5)
    return check.model_copy(
        update={
            "outcome": CheckOutcome.UNSURE,
            "evidence": f"{check.evidence}; but {doubt}",
            "confidence": round(confidence, 3),
        }
    )


def _fault(turn: int, found: Sequence[Fault]) -> str | None:
    return next((fault.evidence for fault in found if fault.turn == turn), None)


def _unsure(check: Check, agent: SideTranscript) -> str | None:
    assert check.turn is not None
    heard = agent.confidence(check.turn) or 0.0
    if not heard:
        return "the recogniser heard speech but no words"
    if heard < MIN_WORD_CONFIDENCE:
        return f"the recogniser was unsure of these words (mean confidence {heard:.2f})"
    return _unsure_fail(check, [word for word in agent.words if word.turn == check.turn], agent.language)


def _unsure_fail(check: Check, words: Sequence[Word], language: str) -> str | None:
    """Whether a fail hangs on a doubtful word: the one that was heard, or one that may hide what was not."""
    if check.outcome is not CheckOutcome.FAILED:
        return None
    said = _told(check.evidence)
    least = None if said is None else lowest_confidence(words, said, language)
    if least is not None and least < MIN_FACT_CONFIDENCE:
        return f"the recogniser was unsure of {said!r} (confidence {least:.2f})"
    if check.kind not in _SOUGHT:
        return None
    if run := _hiding(words, check):
        least = min(word.confidence for word in run)
        return f"the recogniser was unsure of {' '.join(word.text for word in run)!r} ({least:.2f}), which may be it"
    return missed_because(language)


def _hiding(words: Sequence[Word], check: Check) -> Sequence[Word]:
    """A run of doubtful words around one that was hardly heard, long enough to be what was sought; empty without one.

    A fact is a word or two, however it is written; of a phrase, a pattern or a name all words are sought.
    """
    sought = len(check.expected.split()) if check.kind in {"contains", "matches", "name"} else 1
    figures = check.kind in {"time", "amount", "number"}
    for at, word in enumerate(words):
        if word.confidence >= MIN_HIDING_CONFIDENCE or word.text.strip(".,!?").lower() in _FILLERS:
            continue
        if figures and word.text[:1].isupper():  # a name, which no figure is misheard as
            continue
        start, end = at, at + 1
        while start and words[start - 1].confidence < _BESIDE_HIDING:
            start -= 1
        while end < len(words) and words[end].confidence < _BESIDE_HIDING:
            end += 1
        if end - start >= sought:
            return words[start:end]
    return ()


def _told(evidence: str) -> str | None:
    """What was heard of a fact's kind, as the evidence tells it; the first of several."""
    heard = _HEARD.search(evidence)
    return None if heard is None else heard[1].split(",")[0].strip()


def decide(checks: Sequence[Check], name: str) -> Verdict:
    """A hard check that fails decides; then an automatic fail, then doubt; only what is without any passes.

    Confidence is the lowest of all checks: an answer is as right as its worst part.
    """
    wrong = [check for check in checks if check.hard and check.outcome is CheckOutcome.FAILED]
    if wrong:
        return Verdict(decision=Decision.FAIL, confidence=0.0, reason=_reason(wrong), checks=tuple(checks), judge=name)
    confidence = min((check.confidence for check in checks), default=1.0)
    unsure = [check for check in checks if check.outcome is CheckOutcome.UNSURE]
    failed = [check for check in checks if check.outcome is CheckOutcome.FAILED]
    if failed:
        decision, reason = Decision.FAIL, _reason(failed)
    elif unsure:
        decision, reason = Decision.REVIEW, _reason(unsure)
    else:
        decision, reason = Decision.PASS, f"all {len(checks)} checks hold"
    return Verdict(decision=decision, confidence=round(confidence, 3), reason=reason, checks=tuple(checks), judge=name)


def _reason(checks: Sequence[Check]) -> str:
    first = checks[0]
    where = f"turn {first.turn + 1}: " if first.turn is not None else ""
    more = f" (and {len(checks) - 1} more)" if len(checks) > 1 else ""
    return (
        f"{where}{first.kind}: {first.evidence}{more}"
        if first.kind not in first.evidence
        else f"{where}{first.evidence}{more}"
    )
