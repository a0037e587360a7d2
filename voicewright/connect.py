"""Connecting to Temporal, the same way everywhere."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from voicewright.settings import Settings
from voicewright.store_error import StoreError
from voicewright.traces import interceptors

_TIMEOUT_S = 10.0
_PATIENCE_S = 60.0
_RETRY_S = 1.0
_log = logging.getLogger("voicewright")
T = TypeVar("T")


class UnreachableError(Exception):
    """Temporal did not answer; the message says where and what to do."""


async def connect(
    settings: Settings, *, runtime: Runtime | None = None, timeout_s: float = _TIMEOUT_S, service: str = "voicewright"
) -> Client:
    """A client that speaks our contracts. `service` is how it is called in traces.

    Raises:
        UnreachableError: no Temporal server answers at the address of the settings.
    """
    key = settings.temporal_api_key
    try:
        async with asyncio.timeout(timeout_s):
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=pydantic_data_converter,
                api_key=key.get_secret_value() if key is not None else None,
                tls=settings.temporal_tls or key is not None,
                runtime=runtime,
                interceptors=interceptors(settings, service),
            )
    except (RuntimeError, RPCError, TimeoutError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        raise UnreachableError(
            f"cannot reach Temporal at {settings.temporal_address} ({reason[:200]}): start a local stack with "
            "`voicewright dev`, or set VOICEWRIGHT_TEMPORAL_ADDRESS"
        ) from None


async def patiently(what: str, reach: Callable[[], Awaitable[T]], *, patience_s: float = _PATIENCE_S) -> T:
    """Servers, workers and the web app may be started in any order: wait for those that are not up yet.

    Raises:
        UnreachableError: Temporal did not come up in time.
        StoreError: the object store did not.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return await reach()
        except (UnreachableError, StoreError) as error:
            if time.monotonic() > deadline:
                raise
            _log.info("waiting for %s: %s", what, error)
            await asyncio.sleep(_RETRY_S)
