"""The errors of the judge. It knows nothing of Temporal: the caller decides which are worth a retry.

JudgeError
├── ModelMissingError   a model, or the package that holds it, is not installed; a retry cannot help
└── BadPairsError       labelled pairs cannot be read, or are too few; the message says what to do
"""


class JudgeError(Exception):
    """Base class. The message says what to do."""


class ModelMissingError(JudgeError):
    """A model, or the package that holds it, is not installed."""


class BadPairsError(JudgeError):
    """Labelled pairs cannot be used."""
