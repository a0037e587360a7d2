"""What a client of an installation must expect."""


class RunFailedError(Exception):
    """A run that could not be carried out: a bad request, or nobody to serve it. The message says which."""


class UnansweredError(Exception):
    """Temporal, or a worker of ours, did not answer; the run itself may be well."""


class NotFoundError(Exception):
    """There is no run or case of that id."""


class ScheduleError(Exception):
    """A schedule that cannot be made; the message says why."""


class ReviewRefusedError(Exception):
    """A decision that was not accepted; the message says why."""
