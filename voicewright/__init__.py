"""Voicewright: tests for voice AI agents, run as durable Temporal workflows."""

__version__ = "0.1.0"
