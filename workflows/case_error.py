"""Why a case could not be tested, from the exception that ended it."""

from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from voicewright.contracts.case import CaseError, Step

_MAX_MESSAGE = 2_000


def case_error(error: BaseException, step: Step) -> CaseError:
    """The class of trouble and its message; a wrapper's own words tell nobody anything."""
    if is_cancelled_exception(error):
        return CaseError(kind="Cancelled", message="the run was cancelled; a call in flight was hung up", step=step)
    cause = error.cause if isinstance(error, ActivityError) and error.cause is not None else error
    kind = cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    message = cause.message if isinstance(cause, FailureError) else str(cause)
    return CaseError(kind=kind, message=message[:_MAX_MESSAGE], step=step)
