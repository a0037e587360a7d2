"""Suites: the format, reading files, the registered ones (`library`) and how they get there (`push`)."""

from voicewright.suite.format.address import without_query
from voicewright.suite.format.agent import AgentTarget, MediaStreamTarget, SipTarget
from voicewright.suite.format.profile import Voice
from voicewright.suite.format.spoken import SpokenCase, SpokenExpectation, SpokenTurn, spoken
from voicewright.suite.format.suite import Case, Defaults, Judge, Limits, Review, Suite
from voicewright.suite.format.turn import Entities, Expectation, Turn

__all__ = [
    "AgentTarget",
    "Case",
    "Defaults",
    "Entities",
    "Expectation",
    "Judge",
    "Limits",
    "MediaStreamTarget",
    "Review",
    "SipTarget",
    "SpokenCase",
    "SpokenExpectation",
    "SpokenTurn",
    "Suite",
    "Turn",
    "Voice",
    "spoken",
    "without_query",
]
