"""Suites: which there are, their versions, an editor that checks as one types."""
