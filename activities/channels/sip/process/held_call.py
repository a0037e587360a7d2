"""One call of the worker's in the SIP process."""

import asyncio
from collections.abc import Callable

from baresip import Call

from activities.channels.sip.messages import Closed, Failed, News
from activities.channels.sip.process.held_audio import Formats, HeldAudio, formats_of
from activities.channels.sip.rtp.leg import Leg


class HeldCall:
    """From its order to its end.

    Args:
        number: the worker's for it.
        tell: tells the worker.
    """

    def __init__(self, number: int, tell: Callable[[News], None]) -> None:
        self.number = number
        self.call: Call | None = None
        """Once the INVITE is on its way."""
        self.call_id = ""
        self.rang = False
        self.up = False
        self.closed = False
        """Whether the stack is done with it."""
        self.cancelled = False
        """Whether we are ending it."""
        self.on_hold = False
        """Whether the far end does not listen."""
        self.leg: Leg | None = None
        """Its RTP, once it is answered."""
        self.audio: HeldAudio | None = None
        self._tell = tell
        self._end_is_told = False
        self._settled = asyncio.Event()
        self._stirred = asyncio.Event()

    @property
    def carries_audio(self) -> bool:
        """Whether audio goes both ways now."""
        return self.up and not self.closed

    def tell(self, news: News) -> None:
        """Tell the worker, for whom a call that has ended stays so."""
        if not self._end_is_told:
            self._end_is_told = isinstance(news, Failed | Closed)
            self._tell(news)

    def came_up(self) -> None:
        """It is established, and audio goes both ways."""
        self.up = True
        self._settled.set()

    def was_closed(self) -> None:
        """The stack is done with it."""
        self.closed = True
        self._settled.set()

    async def settled(self, limit_s: float) -> bool:
        """Whether it came up or was closed within a time."""
        try:
            async with asyncio.timeout(limit_s):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    def stirred(self) -> None:
        """The stack told something of it: see `formats`."""
        self._stirred.set()

    async def formats(self, limit_s: float) -> Formats | None:
        """Of the audio both ways; None where there are none within a time, or the call is over.

        As a rule they are there when the call is established. Encryption may take longer: so they are looked for
        again whenever the stack tells something of the call.
        """
        assert self.call is not None
        try:
            async with asyncio.timeout(limit_s):
                while not self.closed and formats_of(self.call.audio) is None:
                    self._stirred.clear()
                    await self._stirred.wait()
        except TimeoutError:
            pass
        return None if self.closed else formats_of(self.call.audio)
