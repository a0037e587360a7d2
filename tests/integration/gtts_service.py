"""Stands in for the speech service behind gTTS, on 127.0.0.1, as the HTTPS proxy through which it is reached."""

import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import imageio_ffmpeg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = "/_/TranslateWebserverUi/data/batchexecute"
RPC = "jQ1olc"
MAX_CHARS = 100
RATE_HZ = 24000


@dataclass(frozen=True)
class Request:
    """What one accepted request asked for."""

    host: str
    text: str
    language: str
    slow: bool


@dataclass(frozen=True)
class Reply:
    """An answer to a well-formed request."""

    body: bytes
    status: int = 200


@dataclass
class Service:
    proxy: str
    reply: Reply
    accepted: list[Request] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def audio_reply(audio: bytes) -> Reply:
    return rpc_reply(json.dumps([base64.b64encode(audio).decode()]))


def rpc_reply(payload: str | None) -> Reply:
    chunks = [[["wrb.fr", RPC, payload, None, None, None, "generic"], ["di", 77]], [["e", 4, None, None, 130]]]
    lines = [json.dumps(chunk, separators=(",", ":")) for chunk in chunks]
    return Reply((")]}'\n\n" + "".join(f"{len(line) + 2}\n{line}\n" for line in lines)).encode())


def tone_mp3(seconds: float, channels: int = 1) -> bytes:
    """440 Hz, without the ID3 and Xing headers that the service does not send either."""
    tone = f"sine=frequency=440:duration={seconds}:sample_rate={RATE_HZ}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", tone, "-ac", str(channels)]
    command += ["-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "pipe:1"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


@contextmanager
def gtts_service(reply: Reply, directory: Path) -> Iterator[Service]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(directory))
    server = _Proxy(context, reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gtts stand-in")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "stand-in.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class _Proxy(ThreadingHTTPServer):
    # `server_close` then waits for the handlers, so that none outlives its test.
    daemon_threads = False

    def __init__(self, context: ssl.SSLContext, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.service = Service(f"http://127.0.0.1:{self.server_port}", reply)


class _Handler(BaseHTTPRequestHandler):
    server: _Proxy
    protocol_version = "HTTP/1.1"
    timeout = 10
    tunnel_to: str | None = None

    def do_CONNECT(self) -> None:
        host, _, port = self.path.partition(":")
        if self.tunnel_to or port != "443" or not host.startswith("translate.google."):
            self._refuse(f"CONNECT {self.path}")
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.tunnel_to = host
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            request = self._parse(body)
        except (ValueError, TypeError) as error:
            self._refuse(str(error))
            return
        self.server.service.accepted.append(request)
        reply = self.server.service.reply
        self._answer(reply.status, reply.body)

    def do_GET(self) -> None:
        self._refuse("GET")

    def _parse(self, body: bytes) -> Request:
        if self.tunnel_to is None or self.headers.get("Host") != self.tunnel_to:
            raise ValueError(f"host {self.headers.get('Host')} in a tunnel to {self.tunnel_to}")
        if self.path != PATH:
            raise ValueError(f"path {self.path}")
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            raise ValueError(f"content type {self.headers.get_content_type()}")
        form = parse_qs(body.decode("ascii"), errors="strict")
        [[[rpc, parameters, none, kind]]] = json.loads(_only(form.get("f.req", [])))
        if [rpc, none, kind] != [RPC, None, "generic"]:
            raise ValueError(f"call {rpc} {none} {kind}")
        text, language, slow, null = json.loads(parameters)
        if not isinstance(text, str) or not 0 < len(text) <= MAX_CHARS or not isinstance(language, str):
            raise ValueError(f"text {text!r} in {language!r}")
        if (slow is not True and slow is not None) or null != "null":
            raise ValueError(f"speed {slow} {null}")
        return Request(self.tunnel_to, text, language, slow is True)

    def _refuse(self, reason: str) -> None:
        self.server.service.refused.append(reason)
        self._answer(400, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def _only(values: list[str]) -> str:
    [value] = values
    return value
