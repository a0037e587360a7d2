"""What can go wrong on our side. The agent's faults are verdicts, never exceptions.

    StepError                     errored; the agent is not blamed
    ├── BadInputError             asked for something that cannot be done; trying again cannot help
    │   ├── GoneError             ... because somebody removed it outside
    │   └── CallRefusedError      ... because the agent's side refused the call for good
    ├── LineTakenError            a reserved telephone line is somebody else's now; the workflow reserves another
    ├── CallLostError             a call of unknown fate, on a line where nobody is rung twice
    ├── InstallationError         a model, a setting or a permission is missing; trying again cannot help
    └── UnavailableError          worth trying again
        ├── RateLimitedError      ... after the time that the service named
        ├── NotYetError           ... once what we or others did before shows
        ├── SpeechServiceError    an online voice did not deliver
        ├── LineError             no connection to the agent
        │   ├── LineBusyError     ... it is busy
        │   └── NoAnswerError     ... it rings, and nobody answers
        └── LineDiedError         the connection broke in the middle of a call

`voicewright.store.errors.StoreError` stands beside them and is worth trying again too. How often and how soon is
written in `workflows/policies.py` alone.
"""

from datetime import timedelta

from temporalio.exceptions import ApplicationError


class StepError(ApplicationError):
    """A step could not do its work. Temporal records the class name as the failure's type."""

    retryable = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(
            message,
            type=type(self).__name__,
            non_retryable=not self.retryable,
            next_retry_delay=timedelta(seconds=retry_after_s) if retry_after_s is not None else None,
        )


class BadInputError(StepError):
    """The request names something that does not exist or cannot be done."""


class GoneError(BadInputError):
    """Something outside that we made is not there any more."""


class InstallationError(StepError):
    """This installation lacks something; the message says what to install or set."""


class UnavailableError(StepError):
    """Something outside did not answer as it should; later it may."""

    retryable = True


class RateLimitedError(UnavailableError):
    """A service asked us to come back later."""


class NotYetError(UnavailableError):
    """The service answers; what was done before, by us or by another worker, has to show first."""


class SpeechServiceError(UnavailableError):
    """An online speech service failed."""


class LineError(UnavailableError):
    """The agent could not be reached."""


class LineBusyError(LineError):
    """The agent's line is busy."""


class NoAnswerError(LineError):
    """It rang, and nobody answered."""


class CallRefusedError(BadInputError):
    """The agent's side refused the call for good: declined, unknown number, no permission."""


class LineTakenError(StepError):
    """The line that was reserved expired before the call began. Nobody was dialled."""


class CallLostError(StepError):
    """What became of a call is not known, or it broke; on this channel nobody is called twice for one case."""


class LineDiedError(UnavailableError):
    """The connection to the agent broke without a goodbye."""
