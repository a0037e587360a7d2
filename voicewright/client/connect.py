"""Connecting to Temporal, the same way everywhere."""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import Runtime
from temporalio.service import RPCError, TLSConfig

from voicewright.client.errors import UnansweredError
from voicewright.running_stack import no_stack, stack_is_known
from voicewright.runtime.encryption import EncryptionCodec, PayloadKeysError, read_keys
from voicewright.runtime.traces import interceptors
from voicewright.settings import Settings
from voicewright.store.errors import StoreError

TIMEOUT_S = 10.0
"""For a server to answer at all, before anything was begun."""
PATIENCE_S = 600.0
"""For a server that was there to come back."""
_START_S = 60.0
_RETRY_S = 1.0
_log = logging.getLogger("voicewright")
T = TypeVar("T")


class UnreachableError(Exception):
    """Temporal did not answer; the message says where and what to do."""


class ConnectionSettingsError(UnreachableError):
    """The settings of the connection cannot be used: waiting for a server would not help."""


async def connect(
    settings: Settings, *, runtime: Runtime | None = None, timeout_s: float = TIMEOUT_S, service: str = "voicewright"
) -> Client:
    """A client that speaks our contracts. `service` is how it is called in traces.

    Raises:
        UnreachableError: no Temporal server answers at the address of the settings, or they cannot be used.
    """
    key = settings.temporal_api_key
    converter, tls = data_converter(settings), _tls(settings)
    try:
        async with asyncio.timeout(timeout_s):
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=converter,
                api_key=key.get_secret_value() if key is not None else None,
                tls=tls,
                runtime=runtime,
                interceptors=interceptors(settings, service),
            )
    except (RuntimeError, RPCError, TimeoutError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        mend = (
            f"{no_stack()},"
            if not stack_is_known()
            else "is the stack of this folder still up? Start `voicewright dev`,"
        )
        raise UnreachableError(
            f"cannot reach Temporal at {settings.temporal_address} ({reason[:200]}): {mend} or set "
            "VOICEWRIGHT_TEMPORAL_ADDRESS"
        ) from None


def codec(settings: Settings) -> EncryptionCodec:
    """What encrypts payloads; without keys, it says of encrypted ones what is missing.

    Raises:
        ConnectionSettingsError: the keys cannot be used.
    """
    try:
        keys = settings.payload_keys
        return EncryptionCodec(read_keys(keys.get_secret_value()) if keys is not None else ())
    except PayloadKeysError as error:
        raise ConnectionSettingsError(f"VOICEWRIGHT_PAYLOAD_KEYS: {error}") from None


def data_converter(settings: Settings) -> DataConverter:
    """How contracts become payloads; with keys, sealed ones, messages and traces of failures included.

    Raises:
        ConnectionSettingsError: the keys cannot be used.
    """
    converter = dataclasses.replace(pydantic_data_converter, payload_codec=codec(settings))
    if settings.payload_keys is None:
        return converter
    return dataclasses.replace(converter, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


def _tls(settings: Settings) -> bool | TLSConfig:
    """Raises `ConnectionSettingsError` for files that cannot be read, or one of a pair alone."""
    files = {
        name: getattr(settings, name)
        for name in ("temporal_tls_ca_file", "temporal_tls_cert_file", "temporal_tls_key_file")
    }
    if (files["temporal_tls_cert_file"] is None) != (files["temporal_tls_key_file"] is None):
        raise ConnectionSettingsError(
            "VOICEWRIGHT_TEMPORAL_TLS_CERT_FILE and VOICEWRIGHT_TEMPORAL_TLS_KEY_FILE belong together: set both"
        )
    read: dict[str, bytes | None] = {}
    for name, path in files.items():
        try:
            read[name] = path.expanduser().read_bytes() if path is not None else None
        except OSError as error:
            raise ConnectionSettingsError(f"VOICEWRIGHT_{name.upper()}: cannot read {path}: {error.strerror}") from None
    for name, content in read.items():
        if content == b"":
            raise ConnectionSettingsError(f"VOICEWRIGHT_{name.upper()}: {files[name]} is empty")
    if not any(read.values()) and settings.temporal_tls_server_name is None:
        return settings.temporal_tls or settings.temporal_api_key is not None
    return TLSConfig(
        server_root_ca_cert=read["temporal_tls_ca_file"],
        domain=settings.temporal_tls_server_name,
        client_cert=read["temporal_tls_cert_file"],
        client_private_key=read["temporal_tls_key_file"],
    )


_Errors = tuple[type[Exception], ...]
_AWAY: _Errors = (UnansweredError, UnreachableError, StoreError)


async def patiently(
    what: str, reach: Callable[[], Awaitable[T]], *, patience_s: float = _START_S, away: _Errors = _AWAY
) -> T:
    """Servers, workers and the web app may be started in any order: wait for those that are not up yet.

    Args:
        what: how messages name it.
        reach: reaches it once.
        patience_s: how long it may be away, in s.
        away: errors that say that it is.

    Raises:
        UnreachableError: Temporal did not come up in time.
        StoreError: the object store did not.
    """
    return await patient(reach, patience_s, lambda reason: _log.info("waiting for %s: %s", what, reason), away=away)


async def patient(
    ask: Callable[[], Awaitable[T]],
    patience_s: float,
    waiting: Callable[[str], None] | None,
    *,
    away: _Errors = _AWAY,
) -> T:
    """The answer of a server that may be away for a while; its last error when it is away for longer.

    Args:
        ask: asks it once.
        patience_s: how long it may be away, in s.
        waiting: is told once, in a sentence, that it is away.
        away: errors that say that it is.
    """
    deadline: float | None = None
    while True:
        try:
            return await ask()
        except ConnectionSettingsError:
            raise
        except away as error:
            now = time.monotonic()
            if deadline is None:
                deadline = now + patience_s
                if waiting is not None and patience_s > 0:
                    waiting(str(error))
            if now >= deadline:
                raise
            await asyncio.sleep(_RETRY_S)
