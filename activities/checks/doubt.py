"""Checks on words that are not to be trusted decide nothing: a person listens."""

from collections.abc import Sequence

from activities.checks.heard.language_chain import missed_doubt, weak_doubt
from activities.checks.heard.recogniser_faults import Fault, FaultKind, lowest_confidence
from activities.checks.heard.sounds_like import misheard
from voicewright.contracts.call import Network
from voicewright.contracts.check import CONTRADICTIONS, Basis, Check, CheckKind, CheckOutcome, Doubt, DoubtKind
from voicewright.contracts.transcript import SideTranscript, Word

MIN_WORD_CONFIDENCE = 0.55
"""Mean word confidence of an answer under which its text is no ground for a verdict."""
MIN_FACT_CONFIDENCE = 0.5
"""Confidence of the least sure word that carries a fact, under which a fail is for a person."""
MIN_HIDING_CONFIDENCE = 0.3
"""Confidence of a word under which it may be what was expected: `a date`, 0.26 sure of the `a`, was `at eight`."""
_BESIDE_HIDING = 0.65
"""Confidence under which the words beside such a one are as doubtful."""
MAX_LOST = 0.03
"""Share of the agent's packets that may be missing before words that were not heard, or heard otherwise, may be its
doing: the line's, not the agent's."""
_FILLERS = frozenset({"ah", "er", "erm", "hm", "hmm", "mhm", "oh", "okay", "ok", "so", "uh", "um", "well", "yeah"})


def language_checks(found: Sequence[Fault], language: str) -> list[Check]:
    """An answer in another language or script than the caller's: a person listens, and nothing passes."""
    return [
        Check(
            kind=CheckKind.LANGUAGE,
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


def doubt_words(
    checks: Sequence[Check], agent: SideTranscript, found: Sequence[Fault] = (), line: Network | None = None
) -> list[Check]:
    """The checks, with those unsure that hang on words which are not to be trusted.

    Args:
        checks: of a whole call.
        agent: its words.
        found: faults of the recogniser.
        line: how the agent's sound came through; None where that is not known.
    """
    weak, lossy = weak_doubt(agent.language), _lossy(line)
    return [_doubted(check, agent, found, weak, lossy) for check in checks]


def _doubted(
    check: Check, agent: SideTranscript, found: Sequence[Fault], weak: Doubt | None, lossy: Doubt | None
) -> Check:
    if check.turn is None or check.turn in agent.certain or check.kind.traits.basis is not Basis.WORDS:
        return check
    doubt = weak or _fault(check.turn, found) or _unsure(check, agent)
    if doubt is None and check.outcome is CheckOutcome.FAILED:
        doubt = lossy
    if doubt is None:
        return check
    heard = agent.confidence(check.turn) or 0.0
    confidence = min(check.confidence, heard) if check.outcome is CheckOutcome.PASSED else max(check.confidence, 0.5)
    return check.model_copy(
        update={
            "outcome": CheckOutcome.UNSURE,
            "doubt": doubt,
            "evidence": f"{check.evidence}; but {doubt.because}",
            "confidence": round(confidence, 3),
        }
    )


def _lossy(line: Network | None) -> Doubt | None:
    """Why words that a line garbled are no ground to fail an agent."""
    if line is None or not line.packets_lost:
        return None
    lost = line.packets_lost / (line.packets + line.packets_lost)
    if lost <= MAX_LOST:
        return None
    because = f"{lost:.0%} of the agent's sound was lost on the line, and words with it: please listen"
    return Doubt(kind=DoubtKind.LINE_LOSS, because=because)


def _fault(turn: int, found: Sequence[Fault]) -> Doubt | None:
    fault = next((fault for fault in found if fault.turn == turn), None)
    return Doubt(kind=DoubtKind.RECOGNISER_FAULT, because=fault.evidence) if fault is not None else None


def _unsure(check: Check, agent: SideTranscript) -> Doubt | None:
    assert check.turn is not None
    heard = agent.confidence(check.turn) or 0.0
    if not heard:
        return Doubt(kind=DoubtKind.NO_WORDS, because="the recogniser heard speech but no words")
    if heard < MIN_WORD_CONFIDENCE:
        because = f"the recogniser was unsure of these words (mean confidence {heard:.2f})"
        return Doubt(kind=DoubtKind.LOW_CONFIDENCE, confidence=round(heard, 3), because=because)
    return _unsure_fail(check, [word for word in agent.words if word.turn == check.turn], agent.language)


def _unsure_fail(check: Check, words: Sequence[Word], language: str) -> Doubt | None:
    """Whether a fail hangs on a doubtful word: one of those that decided, or one that may hide what was not heard."""
    if check.outcome is not CheckOutcome.FAILED:
        return None
    for said in deciding(check):
        least = lowest_confidence(words, said, language)
        if least is None and check.kind is CheckKind.ABSENT:
            # The phrase stands across words in a way that cannot be told: any of them may carry it.
            least = min((word.confidence for word in words), default=None)
        if least is not None and least < MIN_FACT_CONFIDENCE:
            because = f"the recogniser was unsure of {said!r} (confidence {least:.2f})"
            return Doubt(kind=DoubtKind.DOUBTFUL_VALUE, words=said, confidence=least, because=because)
    if not check.kind.traits.seeks:
        return None
    if (doubt := misheard(check, words, language)) is not None:
        return doubt
    if run := _hiding(words, check):
        least, text = min(word.confidence for word in run), " ".join(word.text for word in run)
        because = f"the recogniser was unsure of {text!r} ({least:.2f}), which may be it"
        return Doubt(kind=DoubtKind.MAY_HIDE_IT, words=text, confidence=least, because=because)
    return missed_doubt(language)


def deciding(check: Check) -> tuple[str, ...]:
    """The words that a failed check hangs on: those heard in the place of what was expected, or the forbidden ones.

    Of meaning it is the gravest contradiction alone: how sure the others are is among the judge's own features.
    """
    if check.kind is not CheckKind.MEANING:
        return check.heard
    contradictions = (one.heard for one in check.findings if one.kind in CONTRADICTIONS)
    return tuple(heard.split(", ")[0] for heard in list(contradictions)[:1])


def _hiding(words: Sequence[Word], check: Check) -> Sequence[Word]:
    """A run of doubtful words around one that was hardly heard, long enough to be what was sought; empty without one.

    A fact is a word or two, however it is written; of a phrase, a pattern or a name all words are sought.
    """
    traits = check.kind.traits
    sought = len(check.expected.split()) if traits.whole else 1
    for at, word in enumerate(words):
        if word.confidence >= MIN_HIDING_CONFIDENCE or word.text.strip(".,!?").lower() in _FILLERS:
            continue
        if traits.figures and word.text[:1].isupper():  # a name, which no figure is misheard as
            continue
        start, end = at, at + 1
        while start and words[start - 1].confidence < _BESIDE_HIDING:
            start -= 1
        while end < len(words) and words[end].confidence < _BESIDE_HIDING:
            end += 1
        if end - start >= sought:
            return words[start:end]
    return ()
