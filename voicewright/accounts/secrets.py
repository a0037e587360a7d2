"""Passwords and keys: made, hashed, compared."""

import hashlib
import secrets
import threading

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from voicewright.accounts.errors import AccountError

SHORTEST = 12
LONGEST = 200
"""Hashing takes longer for longer ones."""
_AT_ONCE = threading.BoundedSemaphore(4)
"""Hashes that are computed at once: each takes 64 MiB and a good part of a second of CPU."""
_HASHES = PasswordHash((Argon2Hasher(),))
_NOBODYS = _HASHES.hash(secrets.token_urlsafe())
"""Verified where there is no such account: a name that is wrong takes as long as a password that is."""


def hash_of(password: str) -> str:
    """An Argon2id hash with the library's parameters.

    Raises:
        AccountError: the password is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters")
    with _AT_ONCE:
        return _HASHES.hash(password)


def verified(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether a password is the one of a hash, and a better hash where the library's parameters have changed.

    Args:
        password: what was typed.
        kept: the hash; None where there is no such account.
    """
    with _AT_ONCE:
        right, better = _HASHES.verify_and_update(password[:LONGEST], kept if kept is not None else _NOBODYS)
    return right and kept is not None and len(password) <= LONGEST, better


def password() -> str:
    """A random one, 96 bits."""
    return secrets.token_urlsafe(12)


def key(prefix: str) -> str:
    """A random one, 256 bits; the prefix tells people and scanners of repositories what it is."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    """By which a key is known. Keys are random, so a fast hash is enough."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
