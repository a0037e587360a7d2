"""Accounts: who may use the web app and its API, and what they did. Part of the extra `records`, in the same database.

Unlike the records, what lies here is the truth: it cannot be made again from the object store, so back the database up.
"""

from voicewright.accounts.accounts import Accounts
from voicewright.accounts.audit import AuditLog
from voicewright.accounts.errors import AccountError, ThrottledError, WrongPasswordError
from voicewright.accounts.sessions import Sessions
from voicewright.accounts.tokens import Tokens

__all__ = ["AccountError", "Accounts", "AuditLog", "Sessions", "ThrottledError", "Tokens", "WrongPasswordError"]
