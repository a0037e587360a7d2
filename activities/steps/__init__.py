"""One file per step of a run: thin, typed, and free of engines."""
