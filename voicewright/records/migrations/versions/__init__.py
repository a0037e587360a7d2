"""One file per change of the tables, `rNNNN_what_changed.py`. A file that was released never changes."""
