"""Fits the models. Never imported at run time."""
