"""`python -m activities.channels.sip.process.stack`: the process that holds a worker's SIP calls.

Started by `activities.channels.sip.supervisor`, never by people. baresip allows one stack in a process, and one that
crashes takes its process along: so it has this one to itself. When the worker is gone, its calls are hung up and this
ends. `activities.channels.sip.process.calls` does the work.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys

from baresip import Config, Runtime

from activities.channels.sip.messages import Ready
from activities.channels.sip.process.calls import Calls
from activities.channels.sip.rtp.relays import Relays
from activities.channels.sip.wire import control_message
from voicewright.runtime.exit import leave
from voicewright.runtime.gc import freeze_loaded
from voicewright.runtime.priority import as_others


async def _serve(fd: int, interface: str | None, *, ipv6: bool) -> None:
    runtime = Runtime()
    runtime.on_dead = lambda: os._exit(1)  # the worker sees it at once, and starts another process
    await runtime.start(
        Config(
            net_interface=interface,
            max_concurrent_calls=None,
            sip_trace=True,
            native_log_level="error",
            # Told of no family, it offers one by the far end's name, and may have no address of it.
            extra_config_text=f"audio_jitter_buffer_type off\nmodule turn.so\nnet_af {'ipv6' if ipv6 else 'ipv4'}\n",
        )
    )
    calls = Calls(runtime, Relays(interface))
    trace = logging.getLogger("baresip.native.sip")
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    trace.addHandler(calls.wiretap)
    logging.getLogger("baresip.native").propagate = False
    await asyncio.get_running_loop().create_unix_connection(lambda: calls.wire, sock=socket.socket(fileno=fd))
    freeze_loaded()
    calls.wire.write(control_message(0, Ready()))
    await calls.serve()
    await runtime.close()


def main() -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m activities.channels.sip.process.stack", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the worker's socket")
    parser.add_argument("--interface", help="network interface or local address")
    parser.add_argument("--ipv6", action="store_true", help="call by IPv6 instead of IPv4")
    given = parser.parse_args()
    # Who stops the worker stops it, not us: it has calls to end, and then closes our socket.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(0.0005)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s sip %(message)s")
    with as_others():
        asyncio.run(_serve(given.fd, given.interface, ipv6=given.ipv6))
    return 0


if __name__ == "__main__":
    leave(main())
