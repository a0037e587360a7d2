"""Figures of a call: latencies, rates, levels, speech quality."""
