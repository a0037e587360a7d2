"""Task queues. The first is what a person types in the Temporal UI."""

WORKFLOWS = "voicewright"
SPEECH = "voicewright-speech"
CALLS = "voicewright-calls"
INTEGRATIONS = "voicewright-integrations"

ALL = (WORKFLOWS, SPEECH, CALLS, INTEGRATIONS)
