"""The stand-in for Houndify listens, answers and refuses as the vendor does, to a client written by hand."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import struct
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
import numpy as np
import pytest
from standins.houndify import Answer, Houndify

CLIENT, USER = "client-1==", "caller"
pytestmark = pytest.mark.calls
KEY = base64.urlsafe_b64encode(bytes(range(200, 232))).decode()
WISH = {"PartialTranscriptsDesired": True, "SDK": "test"}
RATE = 16000
SPEECH = (8000 * np.sin(np.arange(RATE) * 2 * np.pi * 300 / RATE)).astype("<i2").tobytes()
QUIET = bytes(2 * RATE)
WAV_AUDIO = b"RIFF-standing-for-a-wav"


def hear(samples: np.ndarray, rate_hz: int) -> str:
    """What a recogniser that counts tenths of a second of loudness would say."""
    loud = int((np.abs(samples) > 1000).sum() * 10 / rate_hz)
    return f"heard {loud}" if loud else ""


def answer(transcription: str, state: dict[str, Any]) -> Answer:
    turns = [*state.get("said", []), transcription]
    native = {"Slot": "nine"}
    return Answer(f"You said {turns}", "BookCommand", native, {"said": turns}, auto_listen=True, audio=WAV_AUDIO)


@pytest.fixture
def houndify() -> Iterator[Houndify]:
    with Houndify({CLIENT: KEY, "other": KEY}, hear, answer) as houndify:
        yield houndify


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        yield http


def signed(
    *, client: str = CLIENT, key: str = KEY, user: str = USER, request: str | None = None, at: float | None = None
) -> dict[str, str]:
    stamp, request = str(int(time.time() if at is None else at)), request or str(uuid.uuid4())
    mac = hmac.new(base64.urlsafe_b64decode(key), f"{user};{request}{stamp}".encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(mac).decode()
    return {
        "Hound-Request-Authentication": f"{user};{request}",
        "Hound-Client-Authentication": f"{client};{stamp};{signature}",
    }


def wav(rate: int = RATE, *, code: int = 1, channels: int = 1, bits: int = 16) -> bytes:
    """As the vendor's SDK writes it: dummy sizes, a wrong byte rate."""
    form = struct.pack("<LHHLLHH", 16, code, channels, rate, 8 * rate, 2, bits)
    return b"RIFF" + struct.pack("<L", 36) + b"WAVEfmt " + form + b"data" + struct.pack("<L", 0)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def text(houndify: Houndify, http: aiohttp.ClientSession, query: str = "hello", **info: Any) -> dict[str, Any]:
    headers = {**signed(), "Hound-Request-Info": json.dumps(info)}
    async with http.get(f"{houndify.origin}/v1/text?query={quote(query)}", headers=headers) as reply:
        assert reply.status == 200
        result: dict[str, Any] = await reply.json()
        return result


async def voice(
    houndify: Houndify, http: aiohttp.ClientSession, *audio: bytes, info: dict[str, Any] | None = None, **headers: str
) -> list[dict[str, Any]]:
    body = json.dumps(WISH if info is None else info).encode()
    lengths = {"Hound-Request-Info-Length": str(len(body))}
    headers = {**signed(), **lengths, **{name.replace("_", "-"): value for name, value in headers.items()}}
    parts = chunks(body, wav(), *audio)
    async with http.post(f"{houndify.origin}/v1/audio", data=parts, headers=headers) as reply:
        assert reply.status == 200
        return [json.loads(line) async for line in reply.content]


async def test_text_conversation(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    first = await text(houndify, http, "2+2 & more")
    assert (first["Format"], first["Status"], first["NumToReturn"]) == ("SoundHoundVoiceSearchResult", "OK", 1)
    assert first["Disambiguation"]["ChoiceData"][0]["Transcription"] == "2+2 & more"
    result = first["AllResults"][0]
    assert (result["SpokenResponse"], result["CommandKind"]) == ("You said ['2+2 & more']", "BookCommand")
    assert (result["WrittenResponseLong"], result["NativeData"]) == (result["SpokenResponse"], {"Slot": "nine"})
    assert result["AutoListen"]
    state = result["ConversationState"]
    assert state["turn"] == 1
    second = await text(houndify, http, "two", ConversationState=state, UserID=USER)
    assert second["AllResults"][0]["SpokenResponse"] == "You said ['2+2 & more', 'two']"
    assert second["AllResults"][0]["ConversationState"]["turn"] == 2
    fresh = await text(houndify, http, "three", ConversationState=None)
    assert fresh["AllResults"][0]["SpokenResponse"] == "You said ['three']"
    # A form's plus is no space here.
    headers = {**signed(), "Hound-Request-Info": "{}"}
    async with http.get(f"{houndify.origin}/v1/text", params={"query": "a b"}, headers=headers) as reply:
        assert (await reply.json())["Disambiguation"]["ChoiceData"][0]["Transcription"] == "a+b"


async def test_text_by_post(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    body = json.dumps({"InputLanguageIETFTag": "de-DE", "InputLanguageEnglishName": "German", "Note": "Größe"}).encode()
    headers = {**signed(), "Hound-Request-Info-Length": str(len(body)), "Hound-Input-Language-IETF-Tag": "de-DE"}
    url = f"{houndify.origin}/v1/text?query=ja"
    async with http.post(url, data=body, headers=headers) as reply:
        assert (await reply.json())["Status"] == "OK"
    assert houndify.requests[0].info["Note"] == "Größe"
    for told, sent in ((len(body) - 1, body), (len(body) + 1, body), (len(body), body + b"x")):
        async with http.post(url, data=sent, headers={**signed(), "Hound-Request-Info-Length": str(told)}) as reply:
            assert reply.status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param({"Hound-Request-Authentication": "caller;1"}, 401, id="half"),
        pytest.param(signed(client="stranger"), 401, id="client"),
        pytest.param(signed(key=base64.urlsafe_b64encode(b"wrong").decode()), 401, id="key"),
        pytest.param({**signed(), "Hound-Request-Authentication": "caller;other"}, 401, id="signed_for_another"),
        pytest.param(signed(at=time.time() - 3600), 403, id="old"),
        pytest.param(signed(at=time.time() + 3600), 403, id="early"),
    ],
)
async def test_refuses_strangers(
    houndify: Houndify, http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    headers = {**headers, "Hound-Request-Info": "{}"}
    async with http.get(f"{houndify.origin}/v1/text?query=hello", headers=headers) as reply:
        assert (reply.status, reply.content_type) == (status, "text/plain")
    assert [query.status for query in houndify.requests] == [status]


async def test_refuses_a_request_id_twice(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    statuses = []
    for client in (CLIENT, CLIENT, "other"):
        headers = {**signed(client=client, request="same"), "Hound-Request-Info": "{}"}
        async with http.get(f"{houndify.origin}/v1/text?query=hello", headers=headers) as reply:
            statuses.append(reply.status)
    assert statuses == [200, 403, 200]


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({"InputLanguageIETFTag": "xx-XX"}, "Unsupported input language: xx-XX"),
        ({"InputLanguageEnglishName": "Klingon"}, "Unsupported input language: Klingon"),
        ({"InputLanguageIETFTag": "de-DE", "InputLanguageEnglishName": "French"}, "de-DE is not French"),
        ({"ConversationState": {"turn": 1}}, "not issued"),
        ({"ConversationState": "1"}, "ConversationState of RequestInfo is not an object"),
        ({"PartialTranscriptsDesired": "yes"}, "not true or false"),
        ({"Latitude": "49"}, "not a number"),
        ({"SDK": 1}, "not a string"),
        ({"ResponseAudioShortOrLong": "Brief"}, "not Short or Long"),
        ({"ResponseAudioAcceptedEncodings": ["Opus"]}, "ResponseAudioAcceptedEncodings"),
        ({"UserID": "another"}, "UserID of RequestInfo differs"),
        ({"RequestID": "another"}, "RequestID of RequestInfo differs"),
        ({"TimeStamp": 1}, "TimeStamp of RequestInfo differs"),
        ({"ClientID": "other"}, "ClientID of RequestInfo differs"),
    ],
)
async def test_status_error(
    houndify: Houndify, http: aiohttp.ClientSession, info: dict[str, Any], message: str
) -> None:
    for result in (await text(houndify, http, **info), (await voice(houndify, http, SPEECH, info=info))[-1]):
        assert (result["Status"], result["NumToReturn"], result["AllResults"]) == ("Error", 0, [])
        assert message in result["ErrorMessage"]


async def test_refuses_a_changed_state(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    state = (await text(houndify, http))["AllResults"][0]["ConversationState"]
    for wrong in ({**state, "said": []}, {**state, "turn": 2}, {name: state[name] for name in ("turn", "said")}):
        assert "not issued" in (await text(houndify, http, ConversationState=wrong))["ErrorMessage"]
    stale = await text(houndify, http, ConversationState=state, ConversationStateTime=1)
    assert "ConversationStateTime differs" in stale["ErrorMessage"]
    headers = {**signed(client="other"), "Hound-Request-Info": json.dumps({"ConversationState": state})}
    async with http.get(f"{houndify.origin}/v1/text?query=hello", headers=headers) as reply:
        assert "not issued" in (await reply.json())["ErrorMessage"]


async def test_language_header_must_agree(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    info = {"InputLanguageIETFTag": "de-DE"}
    told = await voice(houndify, http, SPEECH, info=info, Hound_Input_Language_IETF_Tag="en-US")
    assert "differs" in told[0]["ErrorMessage"]
    assert (await voice(houndify, http, SPEECH, Hound_Input_Language_IETF_Tag="xx"))[0]["Status"] == "Error"


async def test_voice_answers_while_the_audio_still_goes_up(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    safe, messages = asyncio.Event(), list[dict[str, Any]]()
    seen = threading.Event()
    houndify.hear = lambda samples, rate_hz: hear(samples, rate_hz) if seen.wait(30) else "SafeToStopAudio came late"

    async def speak() -> AsyncIterator[bytes]:
        yield wav()
        yield SPEECH
        yield QUIET
        # Would wait for ever for a server that answers at the end.
        await safe.wait()
        yield QUIET[: RATE // 5]

    headers = {**signed(), "Hound-Request-Info": json.dumps(WISH)}
    async with http.post(f"{houndify.origin}/v1/audio", data=speak(), headers=headers) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        async for line in reply.content:
            messages.append(json.loads(line))
            if messages[-1].get("SafeToStopAudio"):
                safe.set()
                seen.set()
    *partials, final = messages
    assert {partial["Format"] for partial in partials} == {"HoundVoiceQueryPartialTranscript"}
    flags = [(partial["SafeToStopAudio"], partial["Done"]) for partial in partials]
    assert flags == [*[(False, False)] * (len(flags) - 2), (True, False), (True, True)]
    assert partials[-1]["PartialTranscript"] == "heard 9"
    assert final["AllResults"][0]["SpokenResponse"] == "You said ['heard 9']"
    assert final["AudioLength"] == pytest.approx(2)
    query = houndify.requests[0]
    assert await asyncio.to_thread(query.ended.wait, 60)
    assert (round(query.late_ms), query.rate_hz, query.chunks) == (100, RATE, 4)
    assert bytes(query.audio) == SPEECH + QUIET + QUIET[: RATE // 5]
    assert query.transcription == "heard 9"


async def test_end_of_utterance_is_found_after_quiet(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    def safe_at(messages: list[dict[str, Any]]) -> int:
        return int(next(message["DurationMS"] for message in messages if message["SafeToStopAudio"]))

    tenths = [SPEECH[at : at + RATE // 5] for at in range(0, len(SPEECH), RATE // 5)]
    pause = [bytes(RATE // 5)] * 4
    long_quiet = [bytes(RATE // 5)] * 12
    heard = await voice(houndify, http, *pause * 3, *tenths, *pause, *tenths, *long_quiet)
    assert safe_at(heard[:-1]) == 1200 + 1000 + 400 + 1000 + 600
    assert heard[-1]["AllResults"][0]["SpokenResponse"] == "You said ['heard 18']"
    info = {**WISH, "VoiceActivityDetection": {"MaxSilenceAfterFullQuerySeconds": 0.3}}
    assert safe_at((await voice(houndify, http, *tenths, *long_quiet, info=info))[:-1]) == 1300
    info = {**WISH, "ServerDeterminesEndOfAudio": False}
    assert safe_at((await voice(houndify, http, *tenths, *long_quiet, info=info))[:-1]) == 2200
    assert [round(query.late_ms) for query in houndify.requests] == [600, 900, 0]


async def test_nothing_said(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    *partials, final = await voice(houndify, http, QUIET)
    assert [partial["SafeToStopAudio"] for partial in partials][-2:] == [True, True]
    assert (final["Status"], final["AllResults"][0]["CommandKind"]) == ("OK", "NoResultCommand")
    assert final["Disambiguation"]["ChoiceData"][0]["Transcription"] == ""


async def test_partials_are_a_wish(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    assert [message["Status"] for message in await voice(houndify, http, SPEECH, QUIET, info={})] == ["OK"]
    houndify.hear_partials, houndify.old_format = True, True
    *partials, _ = await voice(houndify, http, SPEECH[:RATE], SPEECH[RATE:], QUIET)
    assert partials[0]["Format"] == "SoundHoundVoiceSearchParialTranscript"
    assert [partial["PartialTranscript"] for partial in partials] == ["heard 4", "heard 9", "heard 9", "heard 9"]


async def test_spoken_answer_for_who_asks(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    asked = {"ResponseAudioVoice": "Judy", "ResponseAudioShortOrLong": "Short"}
    result = (await text(houndify, http, **asked))["AllResults"][0]
    assert (base64.b64decode(result["ResponseAudioBytes"]), result["ResponseAudioEncoding"]) == (WAV_AUDIO, "WAV")
    for name in asked:
        assert "ResponseAudioBytes" not in (await text(houndify, http, **{name: asked[name]}))["AllResults"][0]


async def test_the_vendors_own_compression_and_counts(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    body = json.dumps({**WISH, "ObjectByteCountPrefix": True}).encode()
    headers = {**signed(), "Hound-Request-Info-Length": str(len(body)), "Hound-Response-Accept-Encoding": "gzip"}
    whole, sent = b"", list[bytes]()
    async with http.post(
        f"{houndify.origin}/v1/audio", data=chunks(body, wav(), SPEECH, QUIET), headers=headers
    ) as reply:
        assert reply.headers["Hound-Response-Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in reply.headers
        async for data, ends in reply.content.iter_chunks():
            whole += data
            if ends and whole:
                sent.append(gzip.decompress(whole))
                whole = b""
    assert len(sent) >= 4
    for message in sent:
        count, text, rest = message.split(b"\n")
        assert (int(count), rest) == (len(text), b"")
        assert json.loads(text)["FormatVersion"] == "1.0"
    houndify.gzip = False
    headers = {**signed(), "Hound-Request-Info": "{}", "Hound-Response-Accept-Encoding": "gzip"}
    async with http.get(f"{houndify.origin}/v1/text?query=a", headers=headers) as reply:
        assert json.loads(await reply.read())["Status"] == "OK"
        assert "Hound-Response-Content-Encoding" not in reply.headers


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param(SPEECH[:44], "no WAV header", id="none"),
        pytest.param(b"RIFF", "no WAV header", id="short"),
        pytest.param(wav(44100), "44100 Hz", id="rate"),
        pytest.param(wav(channels=2), "2 channels", id="stereo"),
        pytest.param(wav(bits=8), "8 bits", id="bits"),
        pytest.param(wav(code=7), "format 7", id="mu_law"),
    ],
)
async def test_refuses_other_audio(
    houndify: Houndify, http: aiohttp.ClientSession, header: bytes, message: str
) -> None:
    headers = {**signed(), "Hound-Request-Info": "{}"}
    url = f"{houndify.origin}/v1/audio"
    async with http.post(url, data=chunks(header, SPEECH if len(header) == 44 else b""), headers=headers) as reply:
        assert (reply.status, message in await reply.text()) == (400, True)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Hound-Request-Info": "{"}, {"Hound-Request-Info": "[]"}, {"Hound-Request-Info-Length": "x"}],
)
async def test_refuses_other_request_infos(
    houndify: Houndify, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    url = f"{houndify.origin}/v1/audio"
    async with http.post(url, data=chunks(wav(), SPEECH), headers={**signed(), **headers}) as reply:
        assert (reply.status, "equest" in await reply.text()) == (400, True)


async def test_an_upload_of_known_length_at_8_khz_will_do(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    headers = {**signed(), "Hound-Request-Info": json.dumps(WISH)}
    async with http.post(f"{houndify.origin}/v1/audio", data=wav(8000) + SPEECH, headers=headers) as reply:
        assert "heard 1" in await reply.text()
    assert (houndify.requests[0].rate_hz, houndify.requests[0].audio_ms) == (8000, 2000)


async def test_faults(houndify: Houndify, http: aiohttp.ClientSession) -> None:
    headers = {"Hound-Request-Info": json.dumps(WISH)}
    url = f"{houndify.origin}/v1/audio"
    for status in (500, 503, 429):
        houndify.fail_next = status
        async with http.post(url, data=chunks(wav(), SPEECH), headers={**signed(), **headers}) as reply:
            assert (reply.status, reply.headers.get("Retry-After")) == (status, "1" if status == 429 else None)
    houndify.cut_after_bytes = 20_000
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await voice(houndify, http, SPEECH[:16_000], SPEECH, QUIET)
    houndify.stall_s = 0.3
    started = time.monotonic()
    assert (await voice(houndify, http, SPEECH, QUIET))[-1]["Status"] == "OK"
    assert time.monotonic() - started >= 0.3
    houndify.stall_s, houndify.status = 0, "NoSpeech"
    assert (await voice(houndify, http, SPEECH, QUIET))[-1]["Status"] == "NoSpeech"
    houndify.status, houndify.truncated_json = None, True
    with pytest.raises(json.JSONDecodeError):
        await voice(houndify, http, SPEECH, QUIET)
    houndify.html_error = True
    async with http.post(url, data=chunks(wav()), headers={**signed(), **headers}) as reply:
        assert (reply.status, reply.content_type, "<h1>" in await reply.text()) == (502, "text/html", True)
