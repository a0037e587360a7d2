"""What goes wrong with accounts by a user's own doing."""


class AccountError(Exception):
    """Something that was asked for cannot be; the message says what and how to mend it."""


class WrongPasswordError(AccountError):
    """The name or the password is wrong, or the account is closed. Which of them is not told."""


class ThrottledError(AccountError):
    """Too many log-ins failed; `retry_after_s` says when the next one may be tried."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
