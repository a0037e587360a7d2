"""Rules that find contradictions: what makes an answer a different one although most of its words agree."""

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.find import find_contradictions
from voicewright.judge.contradictions.texts import SHORT, ComparedTexts

__all__ = ["SHORT", "ComparedTexts", "Contradiction", "Rule", "find_contradictions"]
