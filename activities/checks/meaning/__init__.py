"""The meaning of an answer: does it say what was expected? One calibrated probability, with its evidence."""
