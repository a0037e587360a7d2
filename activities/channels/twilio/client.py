"""Twilio's REST API as far as a caller needs it, with its failures as what they mean for a call.

A create that failed on the way is never repeated: Twilio has no idempotency key, and a telephone would ring twice.
Whoever gets `AmbiguousError` looks whether the call was made.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from twilio.base.exceptions import TwilioRestException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from activities.channels.incoming import TooLongError, read_at_most
from activities.errors import CallLostError, CallRefusedError, RateLimitedError
from activities.retry_after import retry_after_s

_TIMEOUT_S = 15.0
_DEFAULT_WAIT_S = 2.0
_TOO_MANY = 429
_NOT_FOUND = 404
_NOT_IN_PROGRESS = 21220
_END_TRIES = 3
_SERVER = 500
_LISTED = 50
_MAX_BODY = 1 << 27
"""Of Twilio's recording of half an hour, both sides."""
_CLOCKS = timedelta(seconds=5)
"""By which ours and Twilio's may differ."""


class AmbiguousError(Exception):
    """A request may or may not have been carried out."""


@dataclass(frozen=True)
class Account:
    """Whose calls they are. With an API key, `user` and `password` are the key's."""

    sid: str
    user: str
    password: str
    api_url: str | None = None


class _Http(AsyncHttpClient):  # type: ignore[misc]
    """Requests by aiohttp; to another address than Twilio's where one is set."""

    def __init__(self, api_url: str | None) -> None:
        super().__init__(logging.getLogger("calls.twilio.http"), True, _TIMEOUT_S)
        self._origin = urlsplit(api_url) if api_url else None
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        status, body, answered = await self.raw(
            method, url, params=params, data=data, headers=headers, auth=auth, timeout=timeout or _TIMEOUT_S
        )
        return Response(status, body.decode(errors="replace"), answered)

    async def raw(
        self, method: str, url: str, *, auth: tuple[str, str] | None, timeout: float = _TIMEOUT_S, **more: Any
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request; status, body and headers.

        Raises:
            RateLimitedError: 429, with the time that Twilio names.
            AmbiguousError: no whole answer came.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()
        if self._origin is not None:
            parts = urlsplit(url)
            url = urlunsplit((self._origin.scheme, self._origin.netloc, parts.path, parts.query, ""))
        login = aiohttp.encode_basic_auth(*auth) if auth is not None and hasattr(aiohttp, "encode_basic_auth") else None
        headers = {**(more.pop("headers", None) or {}), **({"Authorization": login} if login else {})}
        if login is None and auth is not None:
            more["auth"] = aiohttp.BasicAuth(*auth)
        try:
            async with self._session.request(
                method.upper(), url, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout), **more
            ) as answer:
                body = await read_at_most(answer.content, _MAX_BODY)
        except TooLongError:
            raise AmbiguousError(f"an answer of more than {_MAX_BODY >> 20} MB") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AmbiguousError(str(error) or type(error).__name__) from None
        if answer.status == _TOO_MANY:
            named_s = retry_after_s(answer.headers)
            wait_s = _DEFAULT_WAIT_S if named_s is None else named_s
            raise RateLimitedError("Twilio allows no more calls at the moment (429)", retry_after_s=wait_s)
        return answer.status, body, dict(answer.headers)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@dataclass(frozen=True)
class Order:
    """A call to make."""

    to: str
    caller: str
    twiml: str
    status_url: str
    ring_s: int
    limit_s: int
    record: bool
    detect_machine: bool


class TwilioCalls:
    """Calls of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._http = _Http(account.api_url)
        self._client = Client(account.user, account.password, account.sid, http_client=self._http)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def create(self, order: Order) -> str:
        """Make a call; returns its SID.

        Raises:
            CallRefusedError: Twilio will not make this call.
            RateLimitedError: it was not made, and may be later.
            AmbiguousError: it may have been made.
        """
        more: dict[str, Any] = {}
        if order.record:
            more |= {"record": True, "recording_channels": "dual"}
        if order.detect_machine:
            more |= {
                "machine_detection": "Enable",
                "async_amd": "true",
                "async_amd_status_callback": order.status_url,
                "async_amd_status_callback_method": "POST",
            }
        try:
            call = await self._client.calls.create_async(
                to=order.to,
                from_=order.caller,
                twiml=order.twiml,
                status_callback=order.status_url,
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                status_callback_method="POST",
                timeout=order.ring_s,
                time_limit=order.limit_s,
                **more,
            )
        except TwilioRestException as error:
            if error.status >= _SERVER:
                raise AmbiguousError(f"HTTP {error.status}") from None
            raise CallRefusedError(f"Twilio refused the call to {order.to}: {error.msg} (error {error.code})") from None
        return str(call.sid)

    async def recent(self, to: str, since: datetime) -> list[str]:
        """SIDs of calls to a number that were created since then, newest first.

        Raises:
            CallLostError: Twilio cannot be asked.
        """
        try:
            calls = await self._client.calls.list_async(to=to, limit=_LISTED)
        except (TwilioRestException, AmbiguousError, RateLimitedError) as error:
            raise CallLostError(f"the call may have been made, and Twilio's calls cannot be listed: {error}") from None
        return [
            str(call.sid)
            for call in calls
            if call.date_created is None or call.date_created.replace(tzinfo=UTC) >= since - _CLOCKS
        ]

    async def status(self, sid: str) -> str | None:
        """A call's status; None where it cannot be had."""
        try:
            return str((await self._client.calls(sid).fetch_async()).status)
        except (TwilioRestException, AmbiguousError, RateLimitedError):
            return None

    async def end(self, sid: str) -> bool:
        """End a call, whether it is answered or not; True where Twilio said that it is over."""
        for status in ("canceled", "completed") * _END_TRIES:
            try:
                call = await self._client.calls(sid).update_async(status=status)
            except TwilioRestException as error:
                if error.code == _NOT_IN_PROGRESS or error.status == _NOT_FOUND:
                    return True  # over already
            except (AmbiguousError, RateLimitedError):
                await asyncio.sleep(_DEFAULT_WAIT_S)
            else:
                if str(call.status) in {"canceled", "completed"}:
                    return True
        return False

    async def recording(self, sid: str) -> bytes | None:
        """Twilio's own recording of a call, a WAV file; None while there is none."""
        try:
            found = await self._client.calls(sid).recordings.list_async(limit=1)
            if not found:
                return None
            base = f"https://api.twilio.com/2010-04-01/Accounts/{self._account.sid}/Recordings/{found[0].sid}.wav"
            login = (self._account.user, self._account.password)
            status, body, _ = await self._http.raw("GET", base, auth=login, params={"RequestedChannels": "2"})
        except (TwilioRestException, AmbiguousError, RateLimitedError):
            return None
        return body if status < 300 else None  # noqa: PLR2004 - HTTP
