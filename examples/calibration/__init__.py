"""An agent whose timing is known exactly, to calibrate the tester with."""
