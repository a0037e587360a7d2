"""Runs: listed, shown, followed live, started, stopped, run again."""
