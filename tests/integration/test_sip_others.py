"""SIP implementations of other makes: calls and registration through Kamailio, and SIPp as the agent."""

import asyncio
import os
import platform
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from far_ends import SipFarEnd
from local_stack import START_S

from activities.channels.sip.dialler import SipDialler
from activities.errors import CallRefusedError
from voicewright.runtime.free_port import free_port
from voicewright.suite.format.agent import SipTarget

pytestmark = pytest.mark.calls

KAMAILIO = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
MODULES = os.environ.get("KAMAILIO_MODULES", f"/usr/lib/{platform.machine()}-linux-gnu/kamailio/modules")
SIPP = shutil.which("sipp")
CONFIG = """\
#!KAMAILIO
debug=1
log_stderror=yes
children=2
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("rr", "enable_full_lr", 1)
modparam("usrloc", "db_mode", 0)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{ if (loose_route()) {{ t_relay(); exit; }} sl_send_reply("404", "Not here"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (is_method("ACK")) {{ exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("lab", "s3cret", "0")) {{ www_challenge("lab", "0"); exit; }}
        save("location");
        exit;
    }}
    if (!pv_proxy_authenticate("lab", "s3cret", "0")) {{ proxy_challenge("lab", "0"); exit; }}
    consume_credentials();
    record_route();
    $ru = "sip:" + $rU + "@{agent}";
    t_relay();
}}
"""


@dataclass
class Proxy:
    port: int
    log: Path


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, far: SipFarEnd) -> Iterator[Proxy]:
    if KAMAILIO is None:
        pytest.skip("kamailio is not installed: apt-get install kamailio")
    folder = tmp_path_factory.mktemp("kamailio")
    port = free_port(row=2)
    config = folder / "kamailio.cfg"
    config.write_text(CONFIG.format(port=port, modules=MODULES, agent=far.host))
    with (folder / "log").open("wb") as log:
        command = [
            KAMAILIO,
            "-f",
            str(config),
            "-DD",
            "-E",
            "-m",
            "32",
            "-M",
            "4",
            "-Y",
            str(folder),
            "-P",
            str(folder / "pid"),
        ]
        # Its own libraries lie beside its modules, also where the package was only unpacked.
        environment = {**os.environ, "LD_LIBRARY_PATH": str(Path(MODULES).parent)}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    deadline = time.monotonic() + START_S
    while not (folder / "pid").exists():
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)
    yield Proxy(port, folder / "log")
    process.terminate()
    process.wait(timeout=300)


@pytest.fixture
async def dialler() -> AsyncIterator[SipDialler]:
    made = SipDialler()
    yield made
    await made.close()


def through(proxy: Proxy, transport: str = "udp", **more: object) -> SipTarget:
    return SipTarget.model_validate(
        {
            "channel": "sip",
            "uri": "sip:agent@lab.example",
            "caller": "sip:tester@lab.example",
            "password": "s3cret",
            "proxy": f"sip:127.0.0.1:{proxy.port};transport={transport}",
            "ring_s": 20,
            **more,
        }
    )


@pytest.mark.parametrize(("transport", "register"), [("udp", False), ("udp", True), ("tcp", True)])
async def test_a_call_through_a_proxy_that_asks_who_we_are(
    proxy: Proxy, dialler: SipDialler, transport: str, register: bool
) -> None:
    line = await dialler.dial(through(proxy, transport, register=register), call_id="x")
    heard = 0
    async with asyncio.timeout(60):
        while heard <= 2000:  # until the greeting comes through
            await asyncio.sleep(0.02)
            heard = max(heard, abs(int(line.receive().min())))
    await line.hang_up()


async def test_a_wrong_password_is_refused_for_good(proxy: Proxy, dialler: SipDialler) -> None:
    for register in (False, True):
        with pytest.raises(CallRefusedError, match="password"):
            await dialler.dial(through(proxy, password="wrong", register=register), call_id="x")


async def test_a_call_to_sipp(dialler: SipDialler, tmp_path: Path) -> None:
    if SIPP is None:
        pytest.skip("SIPp is not installed: apt-get install sip-tester")
    port = free_port(row=2)
    command = [SIPP, "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-nostdin", "-timeout", "120"]
    nothing = asyncio.subprocess.DEVNULL
    sipp = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdin=nothing, stdout=nothing, stderr=nothing)
    await asyncio.sleep(0.5)
    line = await dialler.dial(SipTarget(channel="sip", uri=f"sip:service@127.0.0.1:{port}", ring_s=20), call_id="x")
    await asyncio.sleep(0.5)
    await line.hang_up()
    assert await asyncio.wait_for(sipp.wait(), 60) == 0  # its scenario saw INVITE, ACK and BYE as they should be
