"""An agent that answers SIP calls and says back what it hears, in whatever codec and encryption was agreed.

    python tests/standins/sip_echo.py PORT CODEC[,CODEC...] off|srtp|srtp-mand

Prints `sip:...` once it listens, then what each SDP that came or went says of audio and keys (never the keys).
"""

import asyncio
import logging
import re
import sys

from baresip import Account, BaresipError, Call, CallState, Config, Runtime, UserAgent

CODECS = {"pcmu": "pcmu", "pcma": "pcma", "g722": "g722/16000/1", "opus": "opus/48000/2"}


class Sdp(logging.Handler):
    """Prints the lines of the stack's trace that say what was agreed."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in re.findall(r"^(m=audio [^\r\n]*|a=crypto:[^\r\n]*)", record.getMessage(), re.MULTILINE):
            print(line.split("inline:")[0], flush=True)


async def echo(call: Call) -> None:
    """Until the call is over."""
    await call.answer()
    ahead = False
    while call.state is not CallState.CLOSED:
        try:
            if pcm := call.audio.read(48_000):
                # A little silence first, so that the next piece may come a little late.
                call.audio.write(pcm if ahead else bytes(4 * len(pcm)) + pcm)
                ahead = True
        except BaresipError:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.005)


async def main(port: str, codecs: str, encryption: str) -> None:
    """Serve until killed."""
    runtime = Runtime()
    extra = f"audio_jitter_buffer_type off\nsip_listen 127.0.0.1:{port}\n"
    await runtime.start(Config(net_interface="127.0.0.1", sip_trace=True, extra_config_text=extra))
    trace = logging.getLogger("baresip.native.sip")
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    trace.addHandler(Sdp())
    account = Account(
        user="agent",
        domain="127.0.0.1",
        password="",
        reg_interval=0,
        audio_codecs=tuple(CODECS[name] for name in codecs.split(",")),
        extra_params=() if encryption == "off" else (f"mediaenc={encryption}",),
    )
    agent = await UserAgent.create(runtime, account)
    calls: set[asyncio.Future[None]] = set()
    agent.on_incoming(lambda call: calls.add(asyncio.ensure_future(echo(call))))
    print(f"sip:agent@127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
