"""A call that ended because the agent did not say what was waited for: did it really not?

The live recogniser may have had too much to do. The recording is heard again with all the time there is; if the words
are in it, the wait ended too early by our fault, and nothing can be said about the agent.
"""

from activities.checks.recorded_call import Call
from activities.ports.judging import MeaningJudge
from voicewright.contracts.call import CallEnd
from voicewright.judge.pair import Pair
from voicewright.judge.text.phrases import contains
from voicewright.pattern import compile_pattern
from voicewright.suite import SpokenCase
from voicewright.suite.format.spoken import SpokenWaitFor

_MEANS = 0.5
"""As in the call itself."""


def unheard_in_time(case: SpokenCase, language: str, call: Call, judge: MeaningJudge) -> str | None:
    """Why a wait in vain was our fault, in a sentence that says how to mend it; None where it was not."""
    if call.record.end is not CallEnd.WAITED_IN_VAIN:
        return None
    last = call.record.turns[-1].turn if call.record.turns else None
    waits = ((at, turn.wait_for) for at, turn in enumerate(case.steps) if last is None or at > last)
    waiting = next(((at, wanted) for at, wanted in waits if wanted is not None), None)
    if waiting is None:
        return None
    at, wanted = waiting
    words = [word for word in call.transcript.agent.words if word.turn == last]
    said = " ".join(word.text for word in words)
    if not said or not _fits(wanted, said, language, judge):
        return None
    return (
        f"the agent did say what turn {at + 1} waited for (its words end at {words[-1].end_ms / 1000:.1f} s), but our "
        "recogniser did not come to it in time: run fewer calls at once on this worker"
    )


def _fits(wanted: SpokenWaitFor, said: str, language: str, judge: MeaningJudge) -> bool:
    if wanted.matches and not any(compile_pattern(pattern)(said) for pattern in wanted.matches):
        return False
    if wanted.contains and not any(contains(said, phrase, language) for phrase in wanted.contains):
        return False
    if wanted.meaning is None:
        return True
    [judged] = judge.judge([Pair(expected=wanted.meaning, actual=said, language=language)])
    return judged.p_pass >= _MEANS
