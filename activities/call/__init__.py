"""The simulated caller."""
