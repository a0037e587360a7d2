"""The wire under a stand-in: a real HTTP server on 127.0.0.1 for as long as a `with` lasts."""

import contextlib
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self


class Reply(Protocol):
    status: int
    body: bytes
    headers: Mapping[str, str]


class WireServer(ThreadingHTTPServer):
    # `server_close` then waits for the handlers, so that none outlives its test.
    daemon_threads = False

    def __init__(self, api: Any, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.api = api
        self.stopping = threading.Event()
        """For answers that come late: whoever waits, waits on this."""


class Standin:
    """Serves itself by a handler that calls back `self.server.api`; `origin` is its address."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = WireServer(self, handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class WireHandler(BaseHTTPRequestHandler):
    """One request a connection, as clients with pools of their own must bear."""

    server: WireServer
    protocol_version = "HTTP/1.1"
    timeout = 10
    content_type = "application/json; charset=utf-8"
    methods: tuple[str, ...] = ("GET", "POST")
    """What the vendor's server takes at all."""

    def respond(self) -> None:
        """Answer a request of one of the methods."""
        raise NotImplementedError

    def do_GET(self) -> None:
        if self.command in self.methods:
            self.respond()
        else:
            self.send_error(501, f"Unsupported method ({self.command!r})")

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def send_or_cut(self, answer: Reply | None) -> None:
        """Without an answer the line dies."""
        self.close_connection = True
        if answer is not None:
            self.send(answer.status, answer.body, answer.headers)

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.close_connection = True
        length = {"Content-Length": str(len(body)), "Connection": "close"}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client gave up waiting
            self.send_response(status)
            for name, value in {"Content-Type": self.content_type, **headers, **length}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass
