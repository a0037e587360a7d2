"""The stack's user agents: one for each account that calls, registered where it asks for that."""

import asyncio

from baresip import Account as StackAccount
from baresip import BaresipError, NoLocalAddressError, Runtime, UserAgent

from activities.channels.sip.messages import Account
from activities.channels.sip.rtp.relays import Relays

_CODECS = {"pcmu": "pcmu", "pcma": "pcma", "g722": "g722/16000/1", "opus": "opus/48000/2"}
_SRTP = {"offered": ("mediaenc=srtp",), "required": ("mediaenc=srtp-mand",), "off": ()}


def _media_by(relay: str) -> tuple[str, ...]:
    """All media goes through a TURN server: `Relay`, which asks nobody for a password."""
    return "medianat=turn", f'stunserver="turn:{relay}"', "stunuser=stack", "stunpass=stack"


class UserAgents:
    """Made when they are first asked for."""

    def __init__(self, runtime: Runtime, relays: Relays) -> None:
        self._runtime = runtime
        self._relays = relays
        self._agents: dict[tuple[Account, str], asyncio.Task[UserAgent]] = {}

    async def of(self, account: Account, uri: str) -> UserAgent:
        """The account's for calls to `uri`; those who come while it registers wait with it.

        Raises:
            BaresipError: it cannot be made, or not registered.
            ValueError: something in the account that no request can carry.
        """
        try:
            relay = await self._relays.towards(account.proxy or uri, encrypted=account.srtp != "off")
        except OSError as error:
            raise NoLocalAddressError(str(error)) from None
        key = (account, relay.server)
        if key not in self._agents:
            self._agents[key] = asyncio.create_task(self._make(account, relay.server))
        try:
            return await asyncio.shield(self._agents[key])
        except (BaresipError, ValueError):
            self._agents.pop(key, None)  # the next call tries again
            raise

    async def _make(self, account: Account, relay: str) -> UserAgent:
        identity = StackAccount(
            user=account.user,
            domain=account.domain,
            password=account.password,
            registrar=account.proxy,
            reg_interval=600 if account.registers else 0,
            transport=account.transport,
            audio_codecs=tuple(_CODECS[name] for name in account.codecs),
            auth_user=account.username,
            extra_params=(*_SRTP[account.srtp], *_media_by(relay)),
        )
        agent = await UserAgent.create(self._runtime, identity)
        if account.registers:
            await agent.register()
        return agent
