"""What Temporal's answers mean to a client, and how long it waits for them."""

from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

from voicewright.client.errors import UnansweredError

ANSWER = timedelta(seconds=15)
"""Temporal waits 10 s itself for a worker that answers a query."""
NO_SUCH_ID = {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}
_REFUSED = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED}


def unanswered(error: RPCError, what: str) -> Exception:
    """What an error of Temporal's means when something is asked; a refusal stays what it is."""
    if error.status in _REFUSED:
        return error
    if error.status is RPCStatusCode.UNAVAILABLE:
        return UnansweredError(f"Temporal does not answer ({error.message})")
    return UnansweredError(f"nobody answers for {what} ({error.message}): is `python -m workers workflows` up?")
