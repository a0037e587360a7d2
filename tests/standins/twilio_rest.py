"""What Twilio's REST API accepts and refuses in parameters, and how it shows calls and recordings."""

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from standins.twilio_calls import API_VERSION, EVENTS, FINAL, Call, Recording, sid, stamp
from standins.twilio_media import TwimlError, verbs

Json = dict[str, Any]

E164 = re.compile(r"\+[1-9]\d{6,14}")
SIP = re.compile(r"sip:[^@\s]+@[^@\s]+")
SIP_CALLER = re.compile(r"[A-Za-z0-9+\-_.]+")
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
MAX_URL = 4000
MAX_TWIML = 4000
MAX_PAGE = 1000
CALLBACKS = ("StatusCallback", "RecordingStatusCallback", "AsyncAmdStatusCallback", "FallbackUrl")
CHOICES = {
    "Method": ("GET", "POST"),
    "FallbackMethod": ("GET", "POST"),
    "StatusCallbackMethod": ("GET", "POST"),
    "RecordingStatusCallbackMethod": ("GET", "POST"),
    "AsyncAmdStatusCallbackMethod": ("POST",),
    "MachineDetection": ("Enable", "DetectMessageEnd"),
    "AsyncAmd": ("true", "false"),
    "Record": ("true", "false"),
    "RecordingChannels": ("mono", "dual"),
    "RecordingTrack": ("inbound", "outbound", "both"),
}
NUMBERS = ("Timeout", "TimeLimit", "MachineDetectionTimeout")
SINCE = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(T(?P<time>\d\d:\d\d:\d\d)Z)?")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    code: int | None = None
    """Of the error."""


class RefusedError(Exception):
    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        more = f"https://www.twilio.com/docs/errors/{code}"
        body = json.dumps({"code": code, "message": message, "more_info": more, "status": status}).encode()
        self.answer = Answer(status, body, {"Content-Type": "application/json", **(headers or {})}, code)


def not_found(path: str) -> RefusedError:
    return RefusedError(404, 20404, f"The requested resource {path} was not found")


def too_many(message: str = "Too Many Requests", code: int = 20429) -> RefusedError:
    return RefusedError(429, code, message, {"Retry-After": "1"})


def shown(status: int, body: Json) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json;charset=utf-8"})


def new_call(account_sid: str, numbers: Collection[str], form: Iterable[tuple[str, str]]) -> Call:
    """Raises where Twilio refuses to make the call."""
    form = list(form)
    asked = {name: value for name, value in form if value}
    to, caller = _ends(asked, numbers)
    _instructions(asked)
    for name in CALLBACKS:
        if name in asked and not _public_url(asked[name]):
            raise RefusedError(400, 21609, f"{name} is not a valid URL: {asked[name]}")
    for name, allowed in CHOICES.items():
        if asked.get(name, allowed[0]) not in allowed:
            raise RefusedError(400, 20001, f"Invalid {name}: {asked[name]}")
    for name in NUMBERS:
        if not asked.get(name, "1").isdecimal() or int(asked.get(name, "1")) < 1:
            raise RefusedError(400, 20001, f"Invalid {name}: {asked[name]}")
    events = tuple(value for name, value in form if name == "StatusCallbackEvent") or ("completed",)
    return Call(sid("CA"), account_sid, to, caller, asked, events, datetime.now(UTC))


def wrong_events(call: Call) -> list[str]:
    """Twilio warns of them (21626), makes the call and sends no status callback at all."""
    return [event for event in call.events if event not in EVENTS]


def _ends(asked: Mapping[str, str], numbers: Collection[str]) -> tuple[str, str]:
    to, caller = asked.get("To", ""), asked.get("From", "")
    if not to:
        raise RefusedError(400, 21201, "No 'To' number is specified")
    if not E164.fullmatch(to) and not SIP.fullmatch(to):
        raise RefusedError(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    if not caller:
        raise RefusedError(400, 21213, "A 'From' phone number is required.")
    if SIP.fullmatch(to):
        if not SIP_CALLER.fullmatch(caller):
            raise RefusedError(400, 21212, f"Invalid From Number (caller ID): {caller}")
        return to, caller
    if not E164.fullmatch(caller):
        raise RefusedError(400, 21212, f"Invalid From Number (caller ID): {caller}")
    if caller not in numbers:
        message = f"The source phone number provided, {caller}, is not yet verified for your account."
        raise RefusedError(400, 21210, f"{message} You may only make calls from phone numbers that you've verified.")
    if to == caller:
        raise RefusedError(400, 21211, f"The number {to} cannot call itself.")
    return to, caller


def _instructions(asked: Mapping[str, str]) -> None:
    """Exactly one source of TwiML."""
    given = [name for name in ("Url", "Twiml", "ApplicationSid") if name in asked]
    if not given:
        raise RefusedError(400, 21205, "Url parameter is required.")
    if len(given) > 1:
        raise RefusedError(400, 20001, f"{' and '.join(given)} are mutually exclusive.")
    if "ApplicationSid" in asked:
        raise RefusedError(400, 21218, f"ApplicationSid {asked['ApplicationSid']} is not valid.")
    check_instructions(asked)


def check_instructions(asked: Mapping[str, str]) -> None:
    """`Url` or `Twiml`, whichever there is."""
    if "Url" in asked and not _public_url(asked["Url"]):
        raise RefusedError(400, 21205, f"Url is not a valid URL: {asked['Url']}")
    if len(asked.get("Twiml", "")) > MAX_TWIML:
        raise RefusedError(400, 20001, f"Twiml is longer than {MAX_TWIML} characters.")
    try:
        verbs(asked.get("Twiml", "<Response/>"))
    except TwimlError as error:
        raise RefusedError(400, error.code, str(error)) from None


def _public_url(text: str) -> bool:
    """An address that could be out there: http or https, a host with a dot and no underscore, not this machine's."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or len(text) > MAX_URL or re.search(r"\s", text):
            return False
        if re.fullmatch(r"[\d.]+|.*:.*", host):
            return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
    return HOST.fullmatch(host) is not None


def call_json(call: Call) -> Json:
    uri = f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    who = {"to": call.to, "to_formatted": call.to, "from": call.from_, "from_formatted": call.from_}
    times = {"date_created": stamp(call.created), "date_updated": stamp(call.updated or call.created)}
    times |= {"start_time": stamp(call.started), "end_time": stamp(call.ended)}
    kind = {"direction": "outbound-api", "api_version": API_VERSION, "price": None, "price_unit": "USD"}
    names = ("parent_call_sid", "phone_number_sid", "forwarded_from", "group_sid", "caller_name", "trunk_sid")
    subresources = {name: f"{uri}/{name.title()}.json" for name in ("recordings", "notifications", "events", "streams")}
    return {
        "sid": call.sid,
        "account_sid": call.account_sid,
        "status": call.status,
        **who,
        **times,
        "duration": None if call.duration is None else str(call.duration),
        "answered_by": call.answered_by,
        **kind,
        **dict.fromkeys((*names, "annotation")),
        "queue_time": "0",
        "uri": f"{uri}.json",
        "subresource_uris": subresources,
    }


def recording_json(call: Call, recording: Recording) -> Json:
    uri = f"/{API_VERSION}/Accounts/{call.account_sid}/Recordings/{recording.sid}"
    ready = recording.status == "completed"
    return {
        "sid": recording.sid,
        "account_sid": call.account_sid,
        "call_sid": call.sid,
        "conference_sid": None,
        "api_version": API_VERSION,
        "status": recording.status,
        "channels": recording.channels,
        "source": "OutboundAPI",
        "track": "both",
        "duration": str(call.duration) if ready else "-1",
        "date_created": stamp(recording.started),
        "date_updated": stamp(recording.started),
        "start_time": stamp(recording.started),
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "encryption_details": None,
        "media_url": f"https://api.twilio.com{uri}",
        "uri": f"{uri}.json",
    }


def page(name: str, path: str, query: Mapping[str, str], found: list[Json]) -> Answer:
    """One page of a list resource, by `Page` and `PageSize`."""
    asked = {"Page": "0", "PageSize": "50", **query}
    if not asked["Page"].isdecimal() or not asked["PageSize"].isdecimal() or int(asked["PageSize"]) < 1:
        raise RefusedError(400, 20006, "Invalid Page or PageSize")
    number, size = int(asked["Page"]), min(int(asked["PageSize"]), MAX_PAGE)
    begin = number * size
    rows = found[begin : begin + size]

    def uri(other: int) -> str:
        return f"{path}?{urlencode({**query, 'Page': other, 'PageSize': size})}"

    return shown(
        200,
        {
            name: rows,
            "page": number,
            "page_size": size,
            "start": begin,
            "end": begin + max(len(rows) - 1, 0),
            "uri": uri(number),
            "first_page_uri": uri(0),
            "previous_page_uri": uri(number - 1) if number else None,
            "next_page_uri": uri(number + 1) if begin + size < len(found) else None,
        },
    )


def call_filter(query: Mapping[str, str]) -> Callable[[Call], bool]:
    """Of `Calls.json?To=&From=&Status=&StartTime>=`; "StartTime>=" arrives as the name "StartTime>"."""
    sides: Json = {
        "StartTime": lambda call, since, whole_day: _floor(call.started, day=whole_day) == since,
        "StartTime>": lambda call, since, whole_day: _floor(call.started, day=whole_day) >= since,
        "StartTime<": lambda call, since, whole_day: _floor(call.started, day=whole_day) <= since,
    }
    times = []
    for name in sides.keys() & query.keys():
        match = SINCE.fullmatch(query[name])
        if match is None:
            raise RefusedError(400, 20001, f"Invalid {name}: {query[name]}")
        since = datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00:00'}+00:00")
        times.append((sides[name], since, match["time"] is None))

    def fits(call: Call) -> bool:
        texts = {"To": call.to, "From": call.from_, "Status": call.status}
        if any(query.get(name, text) != text for name, text in texts.items()):
            return False
        return not times or (
            call.started is not None and all(side(call, since, whole_day) for side, since, whole_day in times)
        )

    return fits


def _floor(when: datetime | None, *, day: bool) -> datetime:
    assert when is not None
    return when.replace(hour=0, minute=0, second=0, microsecond=0) if day else when.replace(microsecond=0)


def check_update(call: Call, asked: Mapping[str, str]) -> None:
    """Raises where Twilio does not change the call."""
    status = asked.get("Status")
    if status is None and not {"Url", "Twiml"} & asked.keys():
        raise RefusedError(400, 20001, "Status, Url or Twiml is required.")
    if status is not None and status not in {"completed", "canceled"}:
        raise RefusedError(400, 20001, f"Invalid Status: {status}")
    if {"Url", "Twiml"} <= asked.keys():
        raise RefusedError(400, 20001, "Url and Twiml are mutually exclusive.")
    check_instructions(asked)
    if call.status in FINAL or (status is None and call.status != "in-progress"):
        raise RefusedError(400, 21220, "Call is not in-progress. Cannot redirect.")
