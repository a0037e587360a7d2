"""Rubrics: an LLM's votes on an answer."""
