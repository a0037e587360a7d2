"""What the steps of a case hand to each other."""

from voicewright.artifact import ArtifactRef
from voicewright.call import CallSummary
from voicewright.case import CaseRequest
from voicewright.contract import Contract
from voicewright.transcript import TranscriptSummary


class Utterance(Contract):
    """What the caller says in one turn: 16 kHz 16-bit mono WAV."""

    turn: int
    audio: ArtifactRef
    duration_ms: int


class CallerSpeech(Contract):
    """Output of `synthesize`: every utterance of a case."""

    utterances: tuple[Utterance, ...]


class CallRequest(Contract):
    """Input of `call`."""

    case: CaseRequest
    speech: CallerSpeech
    caller_id: str = ""
    """The number to call from, where one was reserved."""


class TranscribeRequest(Contract):
    """Input of `transcribe`."""

    case: CaseRequest
    call: CallSummary


class ValidateRequest(Contract):
    """Input of `validate`."""

    case: CaseRequest
    call: CallSummary
    transcript: TranscriptSummary
