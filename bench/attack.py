"""Throws generated input at everything that reads from outside, and counts what breaks.

    python bench/attack.py                      # suites, answers, messages, SIP, streams, recordings: needs no stack
    voicewright dev                             # in another terminal
    python bench/attack.py --web                # and requests to the web app

Prints per kind how many inputs were refused with an error of ours, how many broke something (a traceback, an HTTP
5xx), and how long the slowest took; then the memory of this process, and of the web app. Everything is drawn from
--seed. Exits 1 when something broke.
"""

import argparse
import asyncio
import random
import resource
import string
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from outset import local_processes, start

from activities.audio.pcm import read_wav
from activities.channels.houndify.wire import JsonStream
from activities.channels.incoming import read_message
from activities.channels.sip.dialog import Message, dialog_of
from activities.channels.sip.rtp.packet import Packet
from activities.channels.sip.rtp.stun import Stun
from activities.channels.sip.sdp import Sdp
from activities.errors import StepError
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.run import read_run_request
from voicewright.contracts.text import clean
from voicewright.judge.facts.find import find_facts
from voicewright.pattern import compile_pattern
from voicewright.settings import Settings
from voicewright.suite.reading.file import SuiteError, parse_suite

SUITES = [Path("examples/clinic/suite.yaml"), Path("examples/pizza/suite.yaml")]
LANGUAGES = ["en", "es", "fr", "de", "pt-BR", "it", "ja", "zh", "hi"]
_SERVER_ERROR = 500
_WORDS = (
    *("the", "clinic", "opens", "at", "half", "past", "nine", "on", "March", "5th", "two", "million", "dollars", "and"),
    *("fifty", "cents", "minus", "four", "a", "dozen", "A-B-1-4", "tomorrow", "at", "noon", "9:30", "25:99", "0142"),
    *("$1,290.50", "30", "%", "mañana", "a", "las", "3", "demain", "à", "15", "h", "三点半", "二百元", "午後3時"),
)
_ODD = [
    "\x00",
    "\ufffe",
    "\u202e",
    "\ud800",
    "😀",
    "'",
    '"',
    "<script>",
    "{{",
    "}}",
    "${secret:X}",
    "\r\n",
    "٣",
    "½",
    "\uff19",
]
_ANSWER = (
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
    "Call-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:c@127.0.0.1:5060>\r\nContent-Type: application/sdp\r\n\r\n"
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
)
_MEDIA = '{"event": "media", "streamSid": "MZ1", "media": {"payload": "' + "fw" * 106 + '", "track": "outbound"}}'


_HEADERS: list[dict[str, str]] = [
    {},
    {"content-type": "application/json"},
    {"content-type": "application/x-www-form-urlencoded"},
    {"content-length": "-1"},
    {"x-hub-signature-256": "sha256=0"},
]


@dataclass
class Score:
    """Of one kind of input."""

    tried: int = 0
    refused: int = 0
    broke: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def line(self, kind: str) -> str:
        """A row of the table."""
        slowest = f"{1000 * self.slowest_s:12.0f} ms  {self.slowest}"
        return f"{kind:22}{self.tried:8}{self.refused:9}{len(self.broke):7}{slowest}"


def spoilt(text: str, draw: random.Random) -> str:
    """The text with a few pieces cut, doubled, swapped or replaced."""
    for _ in range(draw.randint(1, 6)):
        at, length = draw.randrange(len(text) + 1), draw.choice([1, 2, 5, 20, 200])
        piece = text[at : at + length]
        new = draw.choice(["", piece * 2, piece[::-1], odd(draw), draw.choice(_ODD) * draw.choice([1, 30])])
        text = text[:at] + new + text[at + length :]
    return text


def odd(draw: random.Random) -> str:
    """Text that nobody sends on purpose."""
    made = [
        lambda: "".join(draw.choices(string.printable, k=draw.choice([0, 3, 40]))),
        lambda: "".join(chr(draw.randrange(1, 0x3000)) for _ in range(draw.choice([2, 30]))),
        lambda: draw.choice(["9", "0", "-", "[", "{", "a ", "( "]) * draw.choice([10, 1000, 20_000]),
        lambda: str(draw.choice([10**400, -1, 0.1, float("inf"), float("nan"), 2**63])),
        lambda: " ".join(draw.choices(_WORDS, k=draw.choice([3, 12, 60]))),
    ]
    return draw.choice(made)()


def a_suite(draw: random.Random) -> None:
    text = spoilt(draw.choice(SUITES).read_text(), draw)
    parse_suite(text.encode(errors="surrogatepass"), "attack.yaml")


def an_answer(draw: random.Random) -> None:
    said = clean(spoilt(" ".join(draw.choices(_WORDS, k=draw.choice([1, 8, 40]))), draw)[:20_000])
    find_facts(said, draw.choice(LANGUAGES))
    Check(
        kind=CheckKind.TIME, turn=0, outcome=CheckOutcome.FAILED, hard=True, expected="9:30", actual=said,
        evidence=said, heard=(said,), confidence=0.0,
    ).model_dump_json()  # fmt: skip


def a_message(draw: random.Random) -> None:
    read_message(spoilt(_MEDIA, draw))


def a_sip_answer(draw: random.Random) -> None:
    answer = Message.parse(spoilt(_ANSWER, draw))
    dialog_of(answer, "UDP", "127.0.0.1:5060")
    Sdp.parse(answer.body)


def a_packet(draw: random.Random) -> None:
    raw = bytearray(b"\x80\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07" + bytes(160))
    for _ in range(draw.randint(0, 12)):
        raw[draw.randrange(min(len(raw), 24))] = draw.randrange(256)
    raw = raw[: draw.choice([len(raw), draw.randrange(len(raw))])]
    Packet.parse(bytes(raw), 0.0)
    Stun.parse(bytes(raw))


def a_houndify_stream(draw: random.Random) -> None:
    stream = JsonStream()
    text = spoilt('{"Format": "HoundVoiceQueryPartialTranscript", "PartialTranscript": "hello"}\n' * 20, draw)
    raw = text.encode(errors="replace")
    step = draw.choice([1, 7, 1000])
    for at in range(0, len(raw), step):
        list(stream.feed(raw[at : at + step]))


def a_recording(draw: random.Random) -> None:
    head = bytearray(b"RIFF\x24\x00\x01\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00")
    raw = head + b"\x02\x00\x10\x00data\x00\x00\x01\x00" + bytes(draw.randrange(400))
    for _ in range(draw.randint(0, 8)):
        raw[draw.randrange(len(raw))] = draw.randrange(256)
    read_wav(bytes(raw))


def a_run_request(draw: random.Random) -> None:
    names = ["suite", "cases", "agent_url", "repeats", "branch", "github", "max_parallel", odd(draw)[:50]]
    values: list[object] = [odd(draw), [odd(draw)], 7, -1, None, {}, {"repository": odd(draw)}, True]
    read_run_request(draw.choice([{draw.choice(names): draw.choice(values) for _ in range(3)}, odd(draw), None, [1]]))


def a_pattern(draw: random.Random) -> None:
    compile_pattern(spoilt(r"(good ?bye|see you)+\b.{1,20}", draw)[:200])(odd(draw))


KINDS: dict[str, Callable[[random.Random], None]] = {
    "suites": a_suite,
    "answers of agents": an_answer,
    "stream messages": a_message,
    "SIP answers": a_sip_answer,
    "packets": a_packet,
    "Houndify streams": a_houndify_stream,
    "recordings": a_recording,
    "run requests": a_run_request,
    "patterns": a_pattern,
}


def attack(kind: Callable[[random.Random], None], count: int, seed: int) -> Score:
    """One kind of input, so many times."""
    score = Score()
    for number in range(count):
        draw = random.Random(f"{seed} {kind.__name__} {number}")  # noqa: S311 - not for secrets
        began = time.perf_counter()
        score.tried += 1
        try:
            kind(draw)
        except (SuiteError, StepError, ValueError):
            score.refused += 1
        except Exception:  # noqa: BLE001 - what breaks is what is looked for
            score.broke.append(f"{number}: {traceback.format_exc(limit=-2)}")
        took_s = time.perf_counter() - began
        if took_s > score.slowest_s:
            score.slowest_s, score.slowest = took_s, str(number)
    return score


async def attack_web(url: str, count: int, seed: int) -> Score:
    """Requests that no browser sends."""
    score = Score()
    paths = ["/", "/runs", "/runs/x", "/reviews", "/reviews/a/b/c", "/report/x", "/audio/x", "/defects", "/api/runs",
             "/api/reviews", "/webhooks/github", "/healthz", "/metrics", "/api/defects"]  # fmt: skip
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for number in range(count):
            draw = random.Random(f"{seed} web {number}")  # noqa: S311 - not for secrets
            path = draw.choice(paths) + draw.choice(["", "/" + odd(draw)[:40], "?limit=" + odd(draw)[:40]])
            body = draw.choice([b"", odd(draw).encode(errors="replace"), b"[" * 50_000, b'{"verdict":' * 2000])
            headers = draw.choice(_HEADERS)
            method = draw.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"])
            score.tried += 1
            began = time.perf_counter()
            try:
                answer = await client.request(method, path, content=body, headers=headers)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnicodeError):
                score.refused += 1
                continue
            if answer.status_code >= _SERVER_ERROR:
                score.broke.append(f"{number}: {method} {path[:80]!r}: HTTP {answer.status_code}")
            score.refused += 400 <= answer.status_code < _SERVER_ERROR
            if (took_s := time.perf_counter() - began) > score.slowest_s:
                score.slowest_s, score.slowest = took_s, f"{number}: {method} {path[:60]}"
    return score


def memory_mb(process: int) -> float:
    """Resident memory of a process, at its highest."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS), metavar="KIND")
    parser.add_argument("--web", action="store_true", help="attack the web app of this folder's stack, too")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    scores = {}
    print(f"{'':22}{'tried':>8}{'refused':>9}{'broke':>7}{'slowest':>15}")
    for name in given.kinds:
        scores[name] = attack(KINDS[name], given.count, given.seed)
        print(scores[name].line(name), flush=True)
    if given.web:
        url = Settings().web_url or ""
        scores["web requests"] = asyncio.run(attack_web(url, given.count, given.seed))
        print(scores["web requests"].line("web requests"))
        print(f"memory of the web app at its highest: {memory_mb(local_processes()['api']):.0f} MB")
    print(f"memory of this process at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    for name, score in scores.items():
        for one in score.broke[:5]:
            print(f"\n{name} {one}")
    return 1 if any(score.broke for score in scores.values()) else 0


if __name__ == "__main__":
    start(main)
