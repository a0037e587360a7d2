"""Words that a reviewer heard otherwise than the recogniser: stored, and the case is judged again by them."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import Field

from api.guard.who import Decider, noted
from api.reviewing.reviewers import reviewer
from api.services import Given, Services
from voicewright.contracts.access import AuditAction
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseState
from voicewright.contracts.correction import (
    MARK,
    CorrectedVerdict,
    CorrectionError,
    TurnWords,
    WordsCorrection,
    corrected,
)
from voicewright.contracts.text import MAX_PASSAGE, Name
from voicewright.contracts.transcript import Transcript, TranscriptSummary
from voicewright.store.keys import case_key

router = APIRouter()


class WordsOfTurn(Contract):
    """The words of one turn of the agent's, as a person heard them."""

    turn: Annotated[int, Field(ge=1, le=10_000)]
    """Counted from 1."""
    text: Annotated[str, Field(max_length=MAX_PASSAGE)]
    """All words of the turn."""
    reviewer: Name = ""
    """Who asks, where nobody logs in."""


@router.post("/api/v1/reviews/{case_id:path}/words")
async def correct(case_id: str, asked: WordsOfTurn, given: Given, who: Decider) -> CorrectedVerdict:
    """Correct what the recogniser misheard in one turn; the case is judged again by the corrected words.

    409 with the reason where the case waits no more, somebody else reviews it, or the turn has no words.
    """
    state = await given.voicewright.case(case_id)
    if state.blind or state.transcript is None:
        raise HTTPException(409, "the words of this case cannot be corrected: it is judged blind, or none were heard")
    try:
        better = await asyncio.to_thread(_stored, given, state, TurnWords(turn=asked.turn - 1, text=asked.text))
    except CorrectionError as error:
        raise HTTPException(409, str(error)) from None
    await noted(given, who, AuditAction.WORDS_CORRECTED, case_id, f"turn {asked.turn}")
    correction = WordsCorrection(
        reviewer=reviewer(who, asked.reviewer), transcript=better, replaces=state.transcript.transcript.sha256
    )
    return await given.voicewright.correct(case_id, correction)


def _stored(given: Services, state: CaseState, words: TurnWords) -> TranscriptSummary:
    """The corrected transcript, beside the recogniser's. Blocking."""
    assert state.transcript is not None
    before = Transcript.model_validate_json(given.store.get(state.transcript.transcript.key))
    better = corrected(before, words)
    body = better.model_dump_json().encode()
    key = state.key
    name = f"transcript-{hashlib.sha256(body).hexdigest()[:MARK]}.json"
    file = case_key(state.run_id, key, name)
    return TranscriptSummary(
        transcript=given.store.put(file, body, "application/json"),
        caller_words=len(better.caller.words),
        agent_words=len(better.agent.words),
    )
