"""Erasing what was said in calls, on request or after a time: recordings and words go, outcomes and times stay."""
