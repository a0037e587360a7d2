"""Payloads of Temporal, encrypted before they leave the process: its server and its database hold no clear text.

Each payload is sealed whole by AES-256-GCM. Its encoding is `binary/encrypted`, and the name of its key stands beside
it. A payload in clear, from before there was a key, is read as it is. The first of several keys seals, and all of them
open: that is how keys are rotated.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENCODING = b"binary/encrypted"
_KEY_ID = "encryption-key-id"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class PayloadKeysError(ValueError):
    """The keys cannot be used; the message says which and why, and never shows one."""


class SealedError(Exception):
    """A payload cannot be opened: its key is not among ours, or it was changed on its way."""


@dataclass(frozen=True)
class PayloadKey:
    """A key of 256 bits and the name by which payloads refer to it."""

    name: str
    secret: bytes = field(repr=False)


def read_keys(text: str) -> tuple[PayloadKey, ...]:
    """The keys of `NAME:KEY, NAME:KEY`, in order; each KEY is 32 bytes in base64.

    Raises:
        PayloadKeysError: one is not of that form, or two have the same name.
    """
    keys: list[PayloadKey] = []
    for place, one in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
        name, colon, encoded = one.partition(":")
        if not colon or _ID.fullmatch(name) is None:
            raise PayloadKeysError(
                f"key {place} has no name: write NAME:KEY, with a name of letters, digits, '.', '_' and '-'"
            )
        try:
            secret = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != _KEY_BYTES:
            raise PayloadKeysError(
                f"the key {name!r} is not {_KEY_BYTES} bytes in base64: make one with `openssl rand -base64 32`"
            )
        if any(known.name == name for known in keys):
            raise PayloadKeysError(f"two keys have the name {name!r}: payloads would not say which one sealed them")
        keys.append(PayloadKey(name, secret))
    if not keys:
        raise PayloadKeysError("no key is given: write NAME:KEY")
    return tuple(keys)


class EncryptionCodec(PayloadCodec):
    """Seals with the first key, opens with each of them.

    Args:
        keys: without any, nothing is sealed, and what is sealed is refused with advice.

    Raises:
        PayloadKeysError: the package that encrypts is not installed.
    """

    def __init__(self, keys: Sequence[PayloadKey] = ()) -> None:
        self._name = keys[0].name if keys else None
        self._ciphers = _ciphers(keys) if keys else {}

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """See `PayloadCodec`. What is sealed already stays as it is."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """See `PayloadCodec`.

        Raises:
            SealedError: a payload cannot be opened.
        """
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        if self._name is None or payload.metadata.get("encoding") == ENCODING:
            return payload
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._name].encrypt(nonce, payload.SerializeToString(), self._name.encode())
        return Payload(metadata={"encoding": ENCODING, _KEY_ID: self._name.encode()}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata.get(_KEY_ID, b"").decode(errors="replace")[:64]
        cipher = self._ciphers.get(name)
        if cipher is None:
            advice = f"add it after the first one ({self._name})" if self._name else "set them as its workers have them"
            raise SealedError(
                f"what Temporal holds is encrypted with the key {name!r}, which is not in VOICEWRIGHT_PAYLOAD_KEYS: "
                f"{advice}"
            )
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            clear = cipher.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise SealedError(
                f"what Temporal holds does not open with the key {name!r}: it was changed, or another key has this name"
            ) from None
        return Payload.FromString(clear)


def _ciphers(keys: Sequence[PayloadKey]) -> "dict[str, AESGCM]":
    """By the names of their keys."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    except ModuleNotFoundError:
        raise PayloadKeysError(
            "payload keys are set, but the package cryptography is missing: pip install 'voicewright[encryption]'"
        ) from None
    return {key.name: AESGCM(key.secret) for key in keys}
