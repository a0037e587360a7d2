"""Learning from decisions, and judging stored runs again: `python -m workers.judging`."""
