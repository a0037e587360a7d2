"""Connecting to Temporal, the same way everywhere."""

import asyncio

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from voicewright.settings import Settings

_TIMEOUT_S = 10.0


class UnreachableError(Exception):
    """Temporal did not answer; the message says where and what to do."""


async def connect(settings: Settings, *, runtime: Runtime | None = None, timeout_s: float = _TIMEOUT_S) -> Client:
    """A client that speaks our contracts.

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
            )
    except (RuntimeError, RPCError, TimeoutError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        raise UnreachableError(
            f"cannot reach Temporal at {settings.temporal_address} ({reason[:200]}): start a local stack with "
            "`voicewright dev`, or set VOICEWRIGHT_TEMPORAL_ADDRESS"
        ) from None
