"""Twilio's Calls resource towards agents that we call as Twilio does: how they hang up, and hand a call on.

An agent behind Media Streams ends or transfers its call by Twilio's REST API: it changes the call's status, or its
TwiML (Twilio, "Call resource: Update a Call resource"). Here that is `POST {url}/2010-04-01/Accounts/AC.../Calls/
CA....json`. An agent knows its call's SID from the stream's `start` message, and `url` from its custom parameter
`voicewright_api`; whoever does not know the SID of a live call is refused.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from activities.channels.incoming import TooLongError, read_at_most
from activities.channels.listening import listening
from activities.channels.media_stream.twiml import MAX_TWIML, Becomes, Fate, TwimlError, becomes

PARAMETER = "voicewright_api"
"""Custom parameter of the stream that tells an agent where this is."""
_FETCH_S = 10.0
_MAX_REDIRECTS = 5
_ENDED = ("completed", "canceled")
_HERE = {"127.0.0.1", "localhost", "::1"}


class Controlled(Protocol):
    """A call as its agent may change it."""

    agent_url: str

    @property
    def over(self) -> bool:
        """Whether it has ended."""

    async def agent_ends(self) -> None:
        """The agent hung up."""

    async def agent_hands_on(self, where: str) -> None:
        """The agent transferred the call."""

    async def agent_goes_on(self, how: str) -> None:
        """The agent gave the call something with which it goes on."""


class CallControl:
    """The server; one for all calls of a worker.

    Args:
        listen: host:port to serve on; port 0 takes any.
        url: address at which agents reach it; None for agents on this machine.
    """

    def __init__(self, listen: str = "127.0.0.1:0", url: str | None = None) -> None:
        self._listen = listen
        self._url = url
        self._calls: dict[str, Controlled] = {}
        self._runner: web.AppRunner | None = None
        self._starting = asyncio.Lock()

    async def url_for(self, agent_url: str) -> str | None:
        """Where that agent reaches it, which it starts; None for an agent on another machine with no address for it.

        Raises:
            InstallationError: the port is taken.
        """
        if self._url is None and urlsplit(agent_url).hostname not in _HERE:
            return None
        async with self._starting:
            if self._runner is None:
                await self._start()
        assert self._runner is not None
        if self._url is not None:
            return self._url.rstrip("/")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 18)
        app.router.add_post("/2010-04-01/Accounts/{account}/Calls/{call}.json", self._update)
        app.router.add_get("/2010-04-01/Accounts/{account}/Calls/{call}.json", self._fetch)
        self._runner = await listening(app, self._listen, to="agents", setting="VOICEWRIGHT_CALL_CONTROL_LISTEN")

    async def close(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def admit(self, call_sid: str, call: Controlled) -> Callable[[], None]:
        """Let the agent of a call change it, until what is returned is called."""
        self._calls[call_sid] = call

        def dismiss() -> None:
            self._calls.pop(call_sid, None)

        return dismiss

    async def _update(self, request: web.Request) -> web.Response:
        call = self._named(request)
        if isinstance(call, web.Response):
            return call
        account, sid = request.match_info["account"], request.match_info["call"]
        if call.over:
            return _refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
        form = {name: str(value) for name, value in (await request.post()).items()}
        status, twiml, url = form.get("Status"), form.get("Twiml"), form.get("Url")
        if status is not None and status not in _ENDED:
            return _refusal(400, 21220, f"Invalid call state: {status}")
        if sum(one is not None for one in (status, twiml, url)) != 1:
            return _refusal(400, 20001, "give one of Status, Twiml and Url")
        try:
            if url is not None:
                twiml = await _fetched(url, sid, call.agent_url)
            fate = (
                Becomes(Fate.ENDS) if twiml is None else await _followed(becomes(twiml), url or "", sid, call.agent_url)
            )
        except TwimlError as error:
            return _refusal(400, 21620, str(error))
        match fate.fate:
            case Fate.ENDS:
                await call.agent_ends()
            case Fate.HANDED_ON:
                await call.agent_hands_on(fate.where)
            case _:
                await call.agent_goes_on(fate.where)
        return _call(account, sid, "completed" if status is not None else "in-progress")

    async def _fetch(self, request: web.Request) -> web.Response:
        found = self._named(request)
        if isinstance(found, web.Response):
            return found
        status = "completed" if found.over else "in-progress"
        return _call(request.match_info["account"], request.match_info["call"], status)

    def _named(self, request: web.Request) -> Controlled | web.Response:
        """The call that a request names, or the refusal."""
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return _refusal(401, 20003, "Authenticate")
        account, sid = request.match_info["account"], request.match_info["call"]
        call = self._calls.get(sid)
        if call is None:
            where = f"/2010-04-01/Accounts/{account}/Calls/{sid}.json"
            return _refusal(404, 20404, f"The requested resource {where} was not found")
        return call


def _call(account: str, sid: str, status: str) -> web.Response:
    """The resource."""
    return web.json_response({"sid": sid, "account_sid": account, "status": status})


def _refusal(status: int, code: int, message: str) -> web.Response:
    """As Twilio words one."""
    return web.json_response({"code": code, "message": message, "status": status}, status=status)


async def _followed(fate: Becomes, at: str, sid: str, agent_url: str) -> Becomes:
    """Where redirects lead from a document that lay `at` an address, as far as they stay at the agent's own host."""
    for _ in range(_MAX_REDIRECTS):
        if fate.fate is not Fate.REDIRECTED:
            return fate
        try:
            at = str(URL(at).join(URL(fate.where)))
            fate = becomes(await _fetched(at, sid, agent_url))
        except (TwimlError, ValueError):
            break
    return Becomes(Fate.GOES_ON, f"<Redirect> to {fate.where}")


def _at_the_agents(url: str, agent_url: str) -> bool:
    """Whether an address is at the host of the agent: nobody makes this worker fetch from anywhere else."""
    try:
        there = URL(url)
    except ValueError:
        return False
    return there.scheme in {"http", "https"} and there.host == urlsplit(agent_url).hostname


async def _fetched(url: str, sid: str, agent_url: str) -> str:
    """TwiML that lies at the agent's own host."""
    if not _at_the_agents(url, agent_url):
        raise TwimlError("Url must be at the host that the stream goes to")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FETCH_S)) as session,
            session.post(url, data={"CallSid": sid}, allow_redirects=False) as answer,
        ):
            if answer.status != 200:  # noqa: PLR2004 - HTTP
                raise TwimlError(f"the address of the TwiML answered {answer.status}")
            return (await read_at_most(answer.content, MAX_TWIML)).decode(errors="replace")
    except TooLongError:
        raise TwimlError("this is too long for TwiML") from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise TwimlError(f"the TwiML could not be fetched: {error}") from None
