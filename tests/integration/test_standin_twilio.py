"""The stand-in for Twilio calls, streams, refuses and fails, through the vendor's own library, as the vendor does."""

import base64
import io
import itertools
import json
import math
import threading
import time
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from standins.twilio_agent import FRAME_BYTES, LINEAR, SILENT_FRAME, CallLeg, is_loud
from standins.twilio_calls import Call
from standins.twilio_cloud import Parrot, TwilioCloud
from standins.wire import Standin, WireHandler
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Connect, VoiceResponse
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

pytestmark = pytest.mark.calls
US = "+15005550006"
AGENT = "+14155550100"
WSS = "wss://voice.test/media"
HOOK = "https://hooks.test/status?run=7"
ALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
TONE = bytes([0x90]) * FRAME_BYTES  # 20 ms that are loud
LOW = bytes([0xA5]) * FRAME_BYTES  # loud too, and told apart from TONE


def twiml(url: str = WSS, **parameters: str) -> str:
    response, connect = VoiceResponse(), Connect()
    stream = connect.stream(url=url)
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    response.append(connect)
    return str(response)


class Stream:
    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self.close_code: int | None = None
        self.closed = threading.Event()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for _, message in list(self.messages) if message["event"] == event]

    @property
    def sid(self) -> str:
        return str(self.of("start")[0]["streamSid"])

    def send(self, event: str, body: dict[str, Any] | None = None, **changes: Any) -> None:
        message = {"event": event, "streamSid": self.sid, **({event: body} if body else {}), **changes}
        self.socket.send(json.dumps({name: value for name, value in message.items() if value is not None}))

    def play(self, audio: bytes) -> None:
        self.send("media", {"payload": base64.b64encode(audio).decode()})

    def mark(self, name: str) -> None:
        self.send("mark", {"name": name})


class Endpoint:
    """A client's WebSocket server."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.handshakes = 0
        self.refusal: tuple[int, dict[str, str]] | None = None
        self.on_start: Callable[[Stream], Any] = lambda _: None
        self._server: Server = serve(self._talk, "127.0.0.1", 0, process_request=self._admit, ping_interval=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        self.handshakes += 1
        if self.refusal is None:
            return None
        answer = socket.respond(self.refusal[0], "no")
        answer.headers.update(self.refusal[1])
        return answer

    def _talk(self, socket: ServerConnection) -> None:
        stream = Stream(socket)
        self.streams.append(stream)
        try:
            while True:
                message = json.loads(socket.recv())
                stream.messages.append((time.monotonic(), message))
                if message["event"] == "start":
                    self.on_start(stream)
        except ConnectionClosed as error:
            stream.close_code = error.rcvd.code if error.rcvd else None
        stream.closed.set()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()


class Hooks(Standin):
    """A client's HTTP server."""

    def __init__(self) -> None:
        self.status = 204
        self.body = b""
        self.posts: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        super().__init__(_HooksHandler)

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.posts.append((method, path, headers, dict(parse_qsl(body.decode(), keep_blank_values=True))))


class _HooksHandler(WireHandler):
    def respond(self) -> None:
        self.server.api.take(self.command, self.path, dict(self.headers.items()), self.body())
        self.send(self.server.api.status, self.server.api.body, {})


class Redirected(TwilioHttpClient):  # type: ignore[misc]  # the library ships no types
    """Twilio's own HTTP client, at another address."""

    def __init__(self, origin: str) -> None:
        super().__init__(timeout=60)
        self.session.trust_env = False
        self.origin = origin

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        return super().request(method, self.origin + url.removeprefix("https://api.twilio.com"), *args, **options)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as hooks:
        yield hooks


@pytest.fixture
def cloud(endpoint: Endpoint, hooks: Hooks) -> Iterator[TwilioCloud]:
    with TwilioCloud(public={"https://voice.test": endpoint.origin, "https://hooks.test": hooks.origin}) as cloud:
        yield cloud


@pytest.fixture
def twilio(cloud: TwilioCloud) -> Iterator[Client]:
    client = connect(cloud)
    yield client
    client.http_client.session.close()


def connect(cloud: TwilioCloud, username: str | None = None, password: str | None = None) -> Client:
    user = (username or cloud.account_sid, password or cloud.auth_token)
    return Client(*user, cloud.account_sid, http_client=Redirected(cloud.origin))


def dial(twilio: Client, **changes: Any) -> str:
    asked = {"to": AGENT, "from_": US, "twiml": twiml(), **changes}
    return str(twilio.calls.create(**{name: value for name, value in asked.items() if value is not None}).sid)


def until(what: Callable[[], Any], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


def talking(endpoint: Endpoint, number: int = 0, frames: int = 1) -> Stream:
    until(lambda: len(endpoint.streams) > number and len(endpoint.streams[number].of("media")) >= frames)
    return endpoint.streams[number]


def ended(cloud: TwilioCloud, call_sid: str) -> str:
    assert cloud.calls[call_sid].over.wait(60), "the call did not end"
    return cloud.calls[call_sid].status


def finish(cloud: TwilioCloud, twilio: Client, call_sid: str) -> None:
    twilio.calls(call_sid).update(status="completed")
    assert ended(cloud, call_sid) == "completed"


def is_duration_since(told: int | str | None, dialled: float) -> bool:
    """Whole seconds, begun ones included, of a call that was dialled then, by the monotonic clock, and is over."""
    return told is not None and 1 <= int(told) <= math.ceil(time.monotonic() - dialled)


def has_status(call: Call, status: str) -> bool:
    return call.status == status


def codes(cloud: TwilioCloud) -> list[int]:
    return [alert.code for alert in cloud.alerts]


def refused(ask: Callable[[], Any]) -> tuple[int, int | None]:
    """Status and code of the answer."""
    with pytest.raises(TwilioException) as caught:
        ask()
    if isinstance(caught.value, TwilioRestException):
        return caught.value.status, caught.value.code
    response = caught.value.args[1]  # of a list
    return response.status_code, json.loads(response.text)["code"]


def frames(audio: bytes | bytearray) -> list[bytes]:
    return [bytes(audio[begin : begin + FRAME_BYTES]) for begin in range(0, len(audio), FRAME_BYTES)]


def runs(audio: bytes | bytearray) -> list[tuple[bool, int]]:
    """Loud or not, and for how many frames."""
    return [(loud, len(list(group))) for loud, group in itertools.groupby(frames(audio), key=is_loud)]


def test_a_call_from_its_creation_to_its_end(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks
) -> None:
    dialled = time.monotonic()
    made = twilio.calls.create(
        to=AGENT, from_=US, twiml=twiml(token="t1"), status_callback=HOOK, status_callback_event=ALL_EVENTS
    )
    assert (made.status, made.direction, made.to, made._from) == ("queued", "outbound-api", AGENT, US)
    assert made.start_time is None
    assert datetime.now(UTC) - made.date_created < timedelta(seconds=60)
    stream = talking(endpoint)
    call = cloud.calls[made.sid]
    assert (twilio.calls(made.sid).fetch().status, cloud.live) == ("in-progress", 1)
    assert not call.over.is_set()
    finish(cloud, twilio, made.sid)
    assert stream.closed.wait(60)
    shown = twilio.calls(made.sid).fetch()
    assert is_duration_since(shown.duration, dialled)
    assert (shown.status, cloud.live) == ("completed", 0)
    assert shown.start_time <= shown.end_time
    assert cloud.alerts == []

    request = stream.socket.request
    assert request is not None
    signature = request.headers["X-Twilio-Signature"]
    assert RequestValidator(cloud.auth_token).compute_signature(WSS, {}) == signature
    assert (request.path, request.headers["Host"]) == ("/media", "voice.test")
    assert not {"Cookie", "Origin"} & {name for name, _ in request.headers.raw_items()}

    connected, start, media = (message for _, message in stream.messages[:3])
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": stream.sid,
        "start": {
            "accountSid": cloud.account_sid,
            "callSid": made.sid,
            "streamSid": stream.sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t1"},
        },
    }
    assert stream.sid.startswith("MZ")
    payload = base64.b64encode(SILENT_FRAME).decode()
    assert media == {
        "event": "media",
        "sequenceNumber": "2",
        "streamSid": stream.sid,
        "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload},
    }
    last = stream.messages[-1][1]
    number = str(len(stream.messages) - 1)
    stop = {"accountSid": cloud.account_sid, "callSid": made.sid}
    assert last == {"event": "stop", "sequenceNumber": number, "streamSid": stream.sid, "stop": stop}
    assert stream.close_code == 1000
    assert [request.status for request in cloud.requests] == [201, 200, 200, 200]


def test_status_callbacks_are_posted_signed_and_in_order(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks
) -> None:
    call_sid = dial(twilio, status_callback=HOOK, status_callback_event=ALL_EVENTS)
    talking(endpoint)
    finish(cloud, twilio, call_sid)
    posts = [form for _, _, _, form in hooks.posts]
    assert [form["CallStatus"] for form in posts] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in posts] == ["0", "1", "2", "3"]
    assert [form.get("CallDuration") for form in posts] == [None, None, None, "1"]
    for method, path, headers, form in hooks.posts:
        assert (method, path, headers["Host"]) == ("POST", "/status?run=7", "hooks.test")
        assert (form["CallSid"], form["AccountSid"]) == (call_sid, cloud.account_sid)
        assert (form["From"], form["To"], form["CallbackSource"]) == (US, AGENT, "call-progress-events")
        assert datetime.strptime(form["Timestamp"], "%a, %d %b %Y %H:%M:%S %z").tzinfo is not None
        assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
        assert RequestValidator(cloud.auth_token).validate(HOOK, form, headers["X-Twilio-Signature"])
    sent = [(callback.kind, callback.status) for callback in cloud.calls[call_sid].callbacks]
    assert sent == [(event, 204) for event in ALL_EVENTS]


def test_only_the_events_asked_for_are_told(cloud: TwilioCloud, twilio: Client, hooks: Hooks) -> None:
    cloud.outcome[AGENT] = "busy"
    for events, told in [(None, ["busy"]), (["initiated", "answered"], ["initiated"])]:
        ended(cloud, dial(twilio, status_callback=HOOK, status_callback_event=events))
        assert [form["CallStatus"] for _, _, _, form in hooks.posts] == told
        hooks.posts.clear()
    call_sid = dial(twilio, status_callback=HOOK, status_callback_event=["initiated ringing", "completed"])
    assert ended(cloud, call_sid) == "busy"
    assert (codes(cloud), hooks.posts) == ([21626], [])


def test_callbacks_by_get_and_to_nowhere(cloud: TwilioCloud, twilio: Client, hooks: Hooks) -> None:
    cloud.outcome[AGENT] = "failed"
    ended(cloud, dial(twilio, status_callback=HOOK, status_callback_method="GET"))
    method, path, headers, form = hooks.posts[0]
    query = dict(parse_qsl(urlsplit(path).query))
    assert (method, query["run"], query["CallStatus"], form) == ("GET", "7", "failed", {})
    url = f"https://hooks.test{path}"
    assert RequestValidator(cloud.auth_token).validate(url, {}, headers["X-Twilio-Signature"])
    hooks.status = 503
    for url, status in [(HOOK, 503), ("https://elsewhere.test/", None)]:
        call_sid = dial(twilio, status_callback=url)
        assert ended(cloud, call_sid) == "failed"
        assert [callback.status for callback in cloud.calls[call_sid].callbacks] == [status]
    assert codes(cloud) == [11200, 11200]


def test_callbacks_out_of_order_and_twice(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    orders = {"out_of_order": ["1", "0", "3", "2"], "twice": ["0", "0", "1", "1", "2", "2", "3", "3"]}
    for number, (callbacks, order) in enumerate(orders.items()):
        cloud.callbacks = callbacks
        hooks.posts.clear()
        call_sid = dial(twilio, status_callback=HOOK, status_callback_event=ALL_EVENTS)
        talking(endpoint, number)
        finish(cloud, twilio, call_sid)
        assert [form["SequenceNumber"] for _, _, _, form in hooks.posts] == order
    tokens = [headers["I-Twilio-Idempotency-Token"] for _, _, headers, _ in hooks.posts]
    assert [len(set(tokens[:2])), len(set(tokens))] == [1, 4]


def test_media_keeps_time_through_silence(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.make_agent = partial(Parrot, greeting=TONE + LOW)
    call_sid = dial(twilio)
    stream = talking(endpoint, frames=46)
    finish(cloud, twilio, call_sid)
    media = [(when, message) for when, message in stream.messages if message["event"] == "media"]
    for number, (_, message) in enumerate(media):
        assert message["sequenceNumber"] == str(number + 2)
        assert message["media"]["chunk"] == str(number + 1)
        assert message["media"]["timestamp"] == str(20 * number)
    heard = [base64.b64decode(message["media"]["payload"]) for _, message in media]
    assert heard == [TONE, LOW] + [SILENT_FRAME] * (len(heard) - 2)
    started = next(when for when, message in stream.messages if message["event"] == "start")
    behind = [when - started - 0.02 * (number + 1) for number, (when, _) in enumerate(media)]
    assert min(behind) > -0.25  # no sooner than in time, were it not that `start` may be read late
    assert min(behind[35:45]) < 0.2, "it catches up with what was late"


def test_what_the_client_sends_is_played_in_real_time(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.omit_token = True

    def play(stream: Stream) -> None:
        stream.mark("before")
        stream.play(TONE * 20 + b"\x90" * 80)
        stream.mark("after")
        stream.play(b"\x90" * 80 + LOW)

    endpoint.on_start = play
    call_sid = dial(twilio, twiml=twiml(token="t1"))
    stream = talking(endpoint, frames=35)
    finish(cloud, twilio, call_sid)
    played = runs(cloud.calls[call_sid].tape.heard)
    assert [loud for loud, _ in played] == [False, True, False]
    assert played[1][1] == 22
    kinds = [message["event"] for _, message in stream.messages]
    before, after = (place for place, kind in enumerate(kinds) if kind == "mark")
    assert [stream.messages[place][1]["mark"]["name"] for place in (before, after)] == ["before", "after"]
    assert 20 <= kinds[before:after].count("media") <= 24  # a frame comes for each that is played
    numbers = [int(message["sequenceNumber"]) for _, message in stream.messages if message["event"] != "connected"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert stream.of("start")[0]["start"]["customParameters"] == {}
    assert cloud.alerts == []


def test_clear_empties_the_buffer_and_returns_its_marks(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    call_sid = dial(twilio)
    stream = talking(endpoint)
    stream.play(TONE * 500)
    stream.mark("one")
    stream.play(TONE)
    stream.mark("two")
    until(lambda: len(stream.of("media")) > 10)
    assert stream.of("mark") == []
    stream.send("clear")
    until(lambda: len(stream.of("mark")) == 2)
    quiet_from = len(stream.of("media"))
    until(lambda: len(stream.of("media")) > quiet_from + 5)
    stream.mark("three")
    until(lambda: len(stream.of("mark")) == 3)
    finish(cloud, twilio, call_sid)
    assert [message["mark"]["name"] for message in stream.of("mark")] == ["one", "two", "three"]
    played = runs(cloud.calls[call_sid].tape.heard)
    assert [loud for loud, _ in played] == [False, True, False]
    assert 5 < played[1][1] < 40


@pytest.mark.parametrize(
    ("event", "body", "changes"),
    [
        pytest.param("media", {"payload": "f39/"}, {"streamSid": None}, id="no_stream_sid"),
        pytest.param("media", {"payload": "f39/"}, {"streamSid": "MZ" + "0" * 32}, id="other_stream_sid"),
        pytest.param("media", {"payload": "f39"}, {}, id="base64"),
        pytest.param("media", {"payload": "f3 9/"}, {}, id="base64_alphabet"),
        pytest.param("media", {"payload": ""}, {}, id="no_payload"),
        pytest.param("media", {"payload": "f39/", "track": "outbound"}, {}, id="unexpected_field"),
        pytest.param("media", None, {}, id="no_media"),
        pytest.param("media", None, {"media": "f39/"}, id="not_an_object"),
        pytest.param("mark", {"name": 7}, {}, id="mark_name"),
        pytest.param("clear", None, {"clear": {}}, id="clear_body"),
        pytest.param("dtmf", {"digit": "1"}, {}, id="event"),
        pytest.param(None, None, {}, id="no_event"),
    ],
)
def test_a_wrong_message_is_warned_of_and_ignored(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, event: Any, body: Any, changes: dict[str, Any]
) -> None:
    cloud.ring_s = 0.001
    call_sid = dial(twilio)
    stream = talking(endpoint)
    stream.send(event, body, **changes)
    until(lambda: cloud.alerts)
    stream.mark("still here")
    until(lambda: stream.of("mark"))
    finish(cloud, twilio, call_sid)
    assert codes(cloud) == [31951]
    assert len(stream.of("mark")) == 1
    assert set(cloud.calls[call_sid].tape.heard) == {0xFF}


def test_json_and_text_only(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    call_sid = dial(twilio)
    stream = talking(endpoint)
    for raw in ("{", "[]", b"\x00\x01"):
        stream.socket.send(raw)
    until(lambda: len(cloud.alerts) == 3)
    finish(cloud, twilio, call_sid)
    assert codes(cloud) == [31951] * 3


def test_one_loud_sample_makes_a_frame_loud() -> None:
    assert is_loud(SILENT_FRAME[1:] + b"\x90")
    assert not is_loud(bytes([0x7F, 0xFF, 0xE0]) * 50)
    assert (LINEAR[0x00], LINEAR[0x80], LINEAR[0xFF], LINEAR[0x7F]) == (-32124, 32124, 0, 0)


def test_the_parrot_answers_exact_to_the_frame(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.make_agent = partial(Parrot, greeting=TONE * 5, answers=[LOW * 3, LOW * 4], delay_ms=200)
    call_sid = dial(twilio, record=True, recording_channels="dual")
    stream = talking(endpoint, frames=8)
    stream.play(TONE * 6 + SILENT_FRAME * 5 + TONE * 2)  # a pause that is shorter than the delay
    until(lambda: len(stream.of("media")) > 45)
    stream.play(TONE)
    until(lambda: len(stream.of("media")) > 70)
    finish(cloud, twilio, call_sid)
    call = cloud.calls[call_sid]
    assert [loud for loud, _ in runs(call.tape.said)] == [True, False, True, False, True, False]
    assert [length for loud, length in runs(call.tape.said) if loud] == [5, 3, 4]
    loud_said = [number for number, frame in enumerate(frames(call.tape.said)) if is_loud(frame)]
    loud_heard = [number for number, frame in enumerate(frames(call.tape.heard)) if is_loud(frame)]
    assert (loud_said[5] - loud_heard[7] - 1, loud_said[8] - loud_heard[8] - 1) == (10, 10)
    assert isinstance(call.agent, Parrot)
    assert call.agent.turns == [(loud_heard[7], loud_said[5]), (loud_heard[8], loud_said[8])]
    sent = [is_loud(base64.b64decode(message["media"]["payload"])) for message in stream.of("media")]
    assert [number for number, loud in enumerate(sent) if loud] == loud_said


def test_the_agent_presses_keys_and_hangs_up(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.make_agent = partial(Parrot, dtmf="4#", dtmf_after_s=0.1, hang_up_after_s=0.3)
    call_sid = dial(twilio)
    assert ended(cloud, call_sid) == "completed"
    stream = endpoint.streams[0]
    assert stream.closed.wait(60)
    keys = stream.of("dtmf")
    assert [key["dtmf"] for key in keys] == [{"track": "inbound_track", "digit": digit} for digit in "4#"]
    assert {key["streamSid"] for key in keys} == {stream.sid}
    assert keys[0]["sequenceNumber"] == "8"
    assert len(stream.of("media")) == 15
    assert (stream.messages[-1][1]["event"], stream.close_code) == ("stop", 1000)


@pytest.mark.parametrize(
    ("leave", "alerts"),
    [
        pytest.param(lambda socket: socket.close(), [], id="close"),
        pytest.param(lambda socket: socket.close(1011), [31921], id="error"),
        pytest.param(lambda socket: socket.socket.shutdown(2), [31903], id="broken"),
        pytest.param(lambda socket: socket.socket.sendall(b"\xff\x00"), [31924], id="protocol"),
    ],
)
def test_the_call_ends_with_the_clients_socket(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, leave: Any, alerts: list[int]
) -> None:
    dialled = time.monotonic()
    call_sid = dial(twilio)
    stream = talking(endpoint)
    stream.play(TONE * 100)
    leave(stream.socket)
    assert ended(cloud, call_sid) == "completed"
    assert (codes(cloud), stream.of("stop")) == (alerts, [])
    assert is_duration_since(cloud.calls[call_sid].duration, dialled)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(twiml("ws://voice.test/media"), 31922, id="ws"),
        pytest.param(twiml("https://voice.test/media"), 31922, id="https"),
        pytest.param(twiml(f"{WSS}?token=1"), 31920, id="query"),
        pytest.param(twiml("/media"), 11100, id="relative"),
        pytest.param(twiml("wss:///media"), 11100, id="no_host"),
        pytest.param(twiml("wss://elsewhere.test/media"), 31901, id="unreachable"),
        pytest.param(twiml("wss://dead.test/media"), 31902, id="refused"),
        pytest.param(twiml(token="t" * 495), 12200, id="parameter"),
        pytest.param(twiml().replace("url=", "track='both_tracks' url="), 31941, id="track"),
        pytest.param(twiml().replace("url=", "uri="), 12200, id="attribute"),
        pytest.param("<Response><Connect><Room>x</Room></Connect></Response>", 12200, id="noun"),
        pytest.param("<Response><Dial>+14155550101</Dial></Response>", 12200, id="verb"),
    ],
)
def test_twilio_does_not_open_a_wrong_stream(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, document: str, code: int
) -> None:
    cloud.public["https://dead.test"] = "http://127.0.0.1:1"
    call_sid = dial(twilio, twiml=document)
    assert ended(cloud, call_sid) == "completed"
    assert (codes(cloud), endpoint.streams) == ([code], [])


def test_longest_parameter_passes(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    call_sid = dial(twilio, twiml=twiml(token="t" * 494))
    assert len(talking(endpoint).of("start")[0]["start"]["customParameters"]["token"]) == 494
    finish(cloud, twilio, call_sid)


@pytest.mark.parametrize("refusal", [(404, {}), (302, {"Location": "/other"}), (200, {})])
def test_a_handshake_that_fails(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks, refusal: tuple[int, dict[str, str]]
) -> None:
    endpoint.refusal = refusal
    callback = twiml().replace("url=", 'statusCallback="https://hooks.test/stream" url=')
    call_sid = dial(twilio, twiml=callback)
    assert ended(cloud, call_sid) == "completed"
    assert (codes(cloud), endpoint.handshakes) == ([31920], 1)
    assert [form["StreamEvent"] for _, _, _, form in hooks.posts] == ["stream-error"]


def test_stream_callbacks(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    asked = 'name="media" statusCallback="https://hooks.test/stream" url='
    call_sid = dial(twilio, twiml=twiml().replace("url=", asked))
    stream = talking(endpoint)
    finish(cloud, twilio, call_sid)
    events = [(form["StreamEvent"], form["StreamSid"], form["StreamName"]) for _, _, _, form in hooks.posts]
    assert events == [("stream-started", stream.sid, "media"), ("stream-stopped", stream.sid, "media")]


LONG = "<Response><Say>{}</Say></Response>"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"to": ""}, 21201, id="no_to"),
        pytest.param({"to": "4155550100"}, 21211, id="to"),
        pytest.param({"to": "+1 415 555 0100"}, 21211, id="spaces"),
        pytest.param({"to": "client:joe"}, 21211, id="client"),
        pytest.param({"to": US}, 21211, id="itself"),
        pytest.param({"from_": ""}, 21213, id="no_from"),
        pytest.param({"from_": "Joe"}, 21212, id="from"),
        pytest.param({"from_": "+14155550999"}, 21210, id="not_owned"),
        pytest.param({"twiml": None}, 21205, id="nothing_to_do"),
        pytest.param({"url": "https://voice.test/twiml"}, 20001, id="url_and_twiml"),
        pytest.param({"twiml": None, "url": "voice.test/twiml"}, 21205, id="url"),
        pytest.param({"twiml": None, "url": "https://127.0.0.1/twiml"}, 21205, id="url_here"),
        pytest.param({"twiml": None, "application_sid": "AP" + "0" * 32}, 21218, id="application"),
        pytest.param({"twiml": "<Response>"}, 12100, id="xml"),
        pytest.param({"twiml": " <?xml version='1.0'?><Response/>"}, 12100, id="leading_space"),
        pytest.param({"twiml": "<response/>"}, 12100, id="root"),
        pytest.param({"twiml": LONG.format("s" * (4001 - len(LONG) + 2))}, 20001, id="long"),
        pytest.param({"status_callback": "hooks.test"}, 21609, id="callback"),
        pytest.param({"status_callback": "https://my_hooks.test/"}, 21609, id="underscore"),
        pytest.param({"status_callback": "http://localhost:8000/"}, 21609, id="localhost"),
        pytest.param({"status_callback": "https://hooks.test/" + "x" * 4000}, 21609, id="long_callback"),
        pytest.param({"recording_status_callback": "ftp://hooks.test/"}, 21609, id="recording_callback"),
        pytest.param({"async_amd_status_callback": "https://"}, 21609, id="amd_callback"),
        pytest.param({"status_callback_method": "PUT"}, 20001, id="method"),
        pytest.param({"async_amd_status_callback_method": "GET"}, 20001, id="amd_method"),
        pytest.param({"machine_detection": "enable"}, 20001, id="machine_detection"),
        pytest.param({"async_amd": "yes"}, 20001, id="async_amd"),
        pytest.param({"record": "maybe"}, 20001, id="record"),
        pytest.param({"recording_channels": "stereo"}, 20001, id="channels"),
        pytest.param({"timeout": "soon"}, 20001, id="timeout"),
        pytest.param({"time_limit": 0}, 20001, id="time_limit"),
    ],
)
def test_a_wrong_call_is_refused(cloud: TwilioCloud, twilio: Client, changes: dict[str, Any], code: int) -> None:
    assert refused(lambda: dial(twilio, **changes)) == (400, code)
    assert cloud.calls == {}
    assert [(request.status, request.code) for request in cloud.requests] == [(400, code)]


def test_the_longest_twiml_and_a_sip_call_pass(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    document = LONG.format("s" * (4000 - len(LONG) + 2))
    assert len(document) == 4000
    assert ended(cloud, dial(twilio, twiml=document)) == "completed"
    call_sid = dial(twilio, to="sip:agent@sip.test", from_="tester")
    talking(endpoint)
    finish(cloud, twilio, call_sid)
    assert refused(lambda: dial(twilio, to="sip:agent@sip.test", from_="not one word")) == (400, 21212)


def test_forms_only(cloud: TwilioCloud) -> None:
    url, auth = f"{cloud.origin}/2010-04-01/Accounts/{cloud.account_sid}/Calls.json", ("", "")
    auth = (cloud.account_sid, cloud.auth_token)
    answer = requests.post(url, json={"To": AGENT, "From": US, "Twiml": twiml()}, auth=auth, timeout=60)
    body = {"code": 21201, "message": "No 'To' number is specified", "status": 400}
    assert answer.json() == {**body, "more_info": "https://www.twilio.com/docs/errors/21201"}
    answer = requests.put(url, auth=auth, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (405, 20004)


def test_strangers_and_what_is_not_there(cloud: TwilioCloud, twilio: Client) -> None:
    key, secret = next(iter(cloud.api_keys.items()))
    assert connect(cloud, key, secret).calls.list() == []
    for user in [(None, "wrong"), (key, "wrong"), ("SK" + "0" * 32, secret), (key, cloud.auth_token)]:
        assert refused(connect(cloud, *user).calls.list) == (401, 20003)
    url = f"{cloud.origin}/2010-04-01/Accounts/{cloud.account_sid}/Calls.json"
    answer = requests.get(url, timeout=60)
    body = {"code": 20003, "message": "Authenticate", "more_info": "https://www.twilio.com/docs/errors/20003"}
    assert (answer.status_code, answer.json()) == (401, {**body, "status": 401})
    other = Client(cloud.account_sid, cloud.auth_token, "AC" + "0" * 32, http_client=Redirected(cloud.origin))
    nothing = "CA" + "0" * 32
    for ask in [
        other.calls.list,
        twilio.calls(nothing).fetch,
        partial(twilio.calls(nothing).update, status="completed"),
        twilio.calls(nothing).recordings.list,
        twilio.recordings("RE" + "0" * 32).fetch,
        twilio.recordings("RE" + "0" * 32).delete,
        twilio.messages.list,
    ]:
        assert refused(ask) == (404, 20404)


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "failed"])
def test_calls_that_nobody_answers(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks, outcome: str
) -> None:
    cloud.outcome[AGENT] = outcome
    call_sid = dial(twilio, status_callback=HOOK, status_callback_event=ALL_EVENTS)
    assert ended(cloud, call_sid) == outcome
    shown = twilio.calls(call_sid).fetch()
    assert (shown.status, shown.duration, endpoint.streams) == (outcome, None, [])
    rang = ["ringing"] if outcome == "no-answer" else []
    assert [form["CallStatus"] for _, _, _, form in hooks.posts] == ["initiated", *rang, outcome]
    assert hooks.posts[-1][3]["CallDuration"] == "0"
    assert dial(twilio, to="+14155550101") in cloud.calls
    talking(endpoint)


def test_it_rings_no_longer_than_asked(cloud: TwilioCloud, twilio: Client) -> None:
    cloud.ring_s = 1.2
    assert ended(cloud, dial(twilio, timeout=1)) == "no-answer"


def test_a_call_lasts_no_longer_than_asked(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    call_sid = dial(twilio, time_limit=1)
    stream = talking(endpoint)
    assert ended(cloud, call_sid) == "completed"
    assert stream.closed.wait(60)
    assert stream.of("stop")
    assert 1 <= len(stream.of("media")) <= 55  # fewer on a busy machine, and never more than a second holds


def test_answering_machines(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    cloud.amd_s = 0.2
    amd = "https://hooks.test/amd"
    call_sid = dial(
        twilio, machine_detection="Enable", async_amd="true", async_amd_status_callback=amd, status_callback=HOOK
    )
    talking(endpoint)
    until(lambda: hooks.posts)  # beside the call, which goes on
    finish(cloud, twilio, call_sid)
    _, path, headers, form = hooks.posts[0]
    told = {"CallSid": call_sid, "AccountSid": cloud.account_sid, "AnsweredBy": "human"}
    assert (path, form) == ("/amd", {**told, "MachineDetectionDuration": "200"})
    assert RequestValidator(cloud.auth_token).validate(amd, form, headers["X-Twilio-Signature"])
    assert hooks.posts[1][3]["AnsweredBy"] == "human"
    cloud.outcome[AGENT] = "machine"
    for number, (mode, found) in enumerate({"Enable": "machine_start", "DetectMessageEnd": "machine_end_beep"}.items()):
        before = time.monotonic()
        call_sid = dial(twilio, machine_detection=mode)
        stream = talking(endpoint, number + 1)
        assert stream.messages[0][0] - before > 0.2, "the call waits for the detection"
        finish(cloud, twilio, call_sid)
        assert twilio.calls(call_sid).fetch().answered_by == found
    assert ended(cloud, dial(twilio, twiml="<Response/>")) == "completed"


def test_ending_calls_by_rest(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.ring_s = 5.0
    for status in ("canceled", "completed"):
        call_sid = dial(twilio)
        until(partial(has_status, cloud.calls[call_sid], "ringing"))
        assert refused(partial(twilio.calls(call_sid).update, twiml=twiml())) == (400, 21220)
        twilio.calls(call_sid).update(status=status)
        assert ended(cloud, call_sid) == "canceled"
        assert cloud.calls[call_sid].duration is None
    cloud.ring_s = 0.01
    call_sid = dial(twilio)
    stream = talking(endpoint)
    assert refused(lambda: twilio.calls(call_sid).update(status="busy")) == (400, 20001)
    assert refused(lambda: twilio.calls(call_sid).update(twiml="<Response>")) == (400, 12100)
    assert refused(twilio.calls(call_sid).update) == (400, 20001)
    assert twilio.calls(call_sid).update(status="canceled").status == "in-progress"
    before = len(stream.of("media"))
    until(lambda: len(stream.of("media")) > before + 3)
    finish(cloud, twilio, call_sid)
    for changes in ({"status": "completed"}, {"status": "canceled"}, {"twiml": twiml()}):
        assert refused(partial(twilio.calls(call_sid).update, **changes)) == (400, 21220)


def test_a_live_call_gets_other_twiml(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    call_sid = dial(twilio, twiml=twiml(part="1"))
    first = talking(endpoint)
    twilio.calls(call_sid).update(twiml=twiml(part="2"))
    second = talking(endpoint, 1)
    assert first.closed.wait(60)
    assert (first.messages[-1][1]["event"], first.close_code) == ("stop", 1000)
    assert second.of("start")[0]["start"]["customParameters"] == {"part": "2"}
    assert first.sid != second.sid
    assert cloud.calls[call_sid].streams == [first.sid, second.sid]
    hooks.status, hooks.body = 200, b"<Response><Pause length='9'/></Response>"
    twilio.calls(call_sid).update(url="https://hooks.test/twiml")
    assert second.closed.wait(60)
    until(lambda: hooks.posts)
    assert cloud.live == 1
    finish(cloud, twilio, call_sid)


def test_twiml_from_the_clients_url(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    hooks.status, hooks.body = 200, twiml(from_="url").encode()
    url = "https://hooks.test/twiml"
    call_sid = dial(twilio, twiml=None, url=url)
    talking(endpoint)
    finish(cloud, twilio, call_sid)
    _, _, headers, form = hooks.posts[0]
    assert (form["CallSid"], form["CallStatus"], form["Direction"]) == (call_sid, "in-progress", "outbound-api")
    assert RequestValidator(cloud.auth_token).validate(url, form, headers["X-Twilio-Signature"])
    for status, body, code in [(200, b"hello", 12100), (500, b"", 11200)]:
        hooks.status, hooks.body = status, body
        assert ended(cloud, dial(twilio, twiml=None, url=url)) == "completed"
        assert codes(cloud)[-1] == code


def test_lists_of_calls(cloud: TwilioCloud, twilio: Client) -> None:
    cloud.outcome.update({AGENT: "busy", "+14155550101": "failed"})
    begin = datetime.now(UTC)
    busy = [dial(twilio) for _ in range(3)]
    failed = dial(twilio, to="+14155550101")
    for call_sid in [*busy, failed]:
        ended(cloud, call_sid)

    def listed(**filters: Any) -> list[str]:
        return [call.sid for call in twilio.calls.list(**filters)]

    assert listed() == [failed, *reversed(busy)]
    assert listed(to=AGENT) == listed(status="busy") == list(reversed(busy))
    assert listed(from_=US, status="failed") == [failed]
    assert listed(from_=AGENT) == []
    assert listed(start_time_after=begin, to="+14155550101") == [failed]
    assert listed(start_time_after=begin + timedelta(hours=1)) == []
    assert listed(start_time_before=begin + timedelta(hours=1), status="failed") == [failed]
    assert listed(start_time_before=begin - timedelta(hours=1)) == []
    assert listed(page_size=2) == [failed, *reversed(busy)]
    url = f"{cloud.origin}/2010-04-01/Accounts/{cloud.account_sid}/Calls.json"
    auth = (cloud.account_sid, cloud.auth_token)

    def raw(query: str) -> Any:
        return requests.get(f"{url}?{query}", auth=auth, timeout=60).json()

    assert raw("PageSize=4")["next_page_uri"] is None
    first = raw("PageSize=3")
    assert [len(first["calls"]), first["page"], first["page_size"], first["previous_page_uri"]] == [3, 0, 3, None]
    assert raw(urlsplit(first["next_page_uri"]).query)["next_page_uri"] is None
    assert len(raw(f"StartTime>={begin:%Y-%m-%d}")["calls"]) == 4
    assert [call["status"] for call in raw(f"StartTime={begin:%Y-%m-%d}&To={AGENT.replace('+', '%2B')}")["calls"]]
    assert raw("StartTime=yesterday")["code"] == 20001
    assert raw("PageSize=0")["code"] == 20006


def samples(media: bytes) -> tuple[int, list[int]]:
    with wave.open(io.BytesIO(media)) as reader:
        assert (reader.getsampwidth(), reader.getframerate()) == (2, 8000)
        return reader.getnchannels(), list(memoryview(reader.readframes(reader.getnframes())).cast("h"))


def test_recordings(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    cloud.recording_ready_after_s = 0.3
    cloud.make_agent = partial(Parrot, greeting=TONE * 3)
    endpoint.on_start = lambda stream: stream.play(LOW * 5)
    told = "https://hooks.test/recording"
    dialled = time.monotonic()
    call_sid = dial(twilio, record=True, recording_channels="dual", recording_status_callback=told)
    talking(endpoint, frames=12)
    auth = (cloud.account_sid, cloud.auth_token)
    [recording] = twilio.calls(call_sid).recordings.list()
    assert (recording.status, recording.duration, recording.channels) == ("in-progress", "-1", 2)
    url = f"{cloud.origin}/2010-04-01/Accounts/{cloud.account_sid}/Recordings/{recording.sid}"

    def fetch(query: str = "") -> requests.Response:
        return requests.get(f"{url}.wav{query}", auth=auth, timeout=60)

    assert fetch().status_code == 404
    finish(cloud, twilio, call_sid)
    assert (fetch().status_code, twilio.recordings(recording.sid).fetch().status) == (404, "processing")
    until(lambda: hooks.posts)
    _, _, headers, form = hooks.posts[0]
    assert (form["RecordingSid"], form["RecordingStatus"]) == (recording.sid, "completed")
    assert form["RecordingUrl"].endswith(f"/Recordings/{recording.sid}")
    assert RequestValidator(cloud.auth_token).validate(told, form, headers["X-Twilio-Signature"])
    assert requests.get(f"{url}.wav", timeout=60).status_code == 401
    answer = fetch()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/x-wav")
    channels, both = samples(answer.content)
    tape = cloud.calls[call_sid].tape
    assert (channels, both[0::2], both[1::2]) == (
        2,
        [LINEAR[code] for code in tape.said],
        [LINEAR[c] for c in tape.heard],
    )
    assert (both[0], max(map(abs, both[1::2])) > 1000) == (LINEAR[TONE[0]], True)
    channels, mixed = samples(fetch("?RequestedChannels=1").content)
    assert (channels, mixed) == (1, [one + two for one, two in zip(both[0::2], both[1::2], strict=True)])
    assert is_duration_since(twilio.recordings(recording.sid).fetch().duration, dialled)
    assert twilio.recordings(recording.sid).delete()
    assert cloud.requests[-1].status == 204
    assert refused(twilio.recordings(recording.sid).fetch) == (404, 20404)
    assert (fetch().status_code, twilio.calls(call_sid).recordings.list()) == (404, [])
    assert cloud.alerts == []


def test_no_recording_unless_asked(cloud: TwilioCloud, twilio: Client) -> None:
    call_sid = dial(twilio, twiml="<Response/>", record=False)
    assert ended(cloud, call_sid) == "completed"
    assert twilio.calls(call_sid).recordings.list() == []


def test_limits(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.outcome["+14155550101"] = "busy"
    busy = partial(dial, twilio, to="+14155550101")
    cloud.calls_per_second = 2
    made: list[str] = []
    assert refused(lambda: made.extend(busy() for _ in range(100))) == (429, 20429)  # a slow machine makes many first
    assert len(made) >= 2
    assert twilio.http_client._test_only_last_response.headers["Retry-After"] == "1"
    time.sleep(1)
    for call_sid in [*made, busy()]:
        assert ended(cloud, call_sid) == "busy"
    cloud.calls_per_second, cloud.max_concurrent_calls = None, 1
    call_sid = dial(twilio)
    talking(endpoint)
    assert refused(busy) == (429, 10004)
    finish(cloud, twilio, call_sid)
    assert ended(cloud, busy()) == "busy"


@pytest.mark.parametrize(("fault", "status", "made"), [("500_before", 500, 0), ("429", 429, 0), ("500_after", 500, 1)])
def test_a_create_that_fails(
    cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, fault: str, status: int, made: int
) -> None:
    cloud.fail_next_create = fault
    assert refused(lambda: dial(twilio))[0] == status
    assert len(cloud.calls) == made
    if made:
        talking(endpoint)
    assert dial(twilio) in cloud.calls
    assert len(twilio.calls.list()) == made + 1


def test_a_create_whose_answer_gets_lost(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.fail_next_create = "timeout_after"
    with pytest.raises(requests.ConnectionError):
        dial(twilio)
    talking(endpoint)
    assert [call.status for call in twilio.calls.list(to=AGENT)] == ["in-progress"]
    assert [request.status for request in cloud.requests] == [None, 200]


def test_forged_signatures(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint, hooks: Hooks) -> None:
    cloud.forge_signature = True
    call_sid = dial(twilio, status_callback=HOOK)
    request = talking(endpoint).socket.request
    assert request is not None
    signature = request.headers["X-Twilio-Signature"]
    finish(cloud, twilio, call_sid)
    right = RequestValidator(cloud.auth_token)
    assert not right.validate(WSS, {}, signature)
    _, _, headers, form = hooks.posts[0]
    assert not right.validate(HOOK, form, headers["X-Twilio-Signature"])


def test_a_socket_that_dies(cloud: TwilioCloud, twilio: Client, endpoint: Endpoint) -> None:
    cloud.drop_socket_after_s = 0.2
    call_sid = dial(twilio)
    assert ended(cloud, call_sid) == "completed"
    stream = endpoint.streams[0]
    assert stream.closed.wait(60)
    assert (stream.close_code, stream.of("stop"), codes(cloud)) == (None, [], [31903])
    assert 1 <= len(stream.of("media")) <= 10


def test_an_agent_that_crashes_is_not_passed_over(endpoint: Endpoint) -> None:
    class Crashing:
        def __init__(self, leg: CallLeg) -> None:
            self.leg = leg

        def frame(self, heard: bytes) -> bytes:
            return heard[:-1]

    def run() -> None:
        with TwilioCloud(public={"https://voice.test": endpoint.origin}, agent=Crashing) as cloud:
            client = connect(cloud)
            assert ended(cloud, dial(client)) == "completed"
            client.http_client.session.close()

    with pytest.raises(ValueError, match="159 bytes"):
        run()


def test_many_calls_at_once_and_an_end_amid_them(endpoint: Endpoint, hooks: Hooks) -> None:
    with TwilioCloud(public={"https://voice.test": endpoint.origin}) as cloud:
        client = connect(cloud)
        for _ in range(10):
            dial(client)
        until(lambda: cloud.live == 10)
        until(lambda: len(endpoint.streams) == 10 and all(len(stream.of("media")) > 5 for stream in endpoint.streams))
        client.http_client.session.close()
    assert all(stream.closed.wait(60) for stream in endpoint.streams)
