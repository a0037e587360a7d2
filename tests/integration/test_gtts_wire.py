"""The online voice at the wire: what it sends and what it makes of each answer."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from gtts_service import PATH, RATE_HZ, RPC, Reply, Request, Service, audio_reply, gtts_service, rpc_reply, tone_mp3

from activities.audio.pcm import Audio, rms_dbfs
from activities.errors import BadInputError, RateLimitedError, SpeechServiceError
from activities.speech.voices.gtts_online import GttsEngine

Serve = Callable[[Reply], Service]

TEXT = "Good morning, is anybody there?"
FORM = "application/x-www-form-urlencoded;charset=utf-8"


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    with ExitStack() as running:

        def start(reply: Reply) -> Service:
            service = running.enter_context(gtts_service(reply, tmp_path))
            monkeypatch.setenv("https_proxy", service.proxy)
            return service

        yield start


def speak(
    text: str = TEXT, *, language: str = "en", voice: str | None = None, speed: float = 1, tld: str = "com"
) -> Audio:
    return GttsEngine(tld).speak(text, language, voice, speed)


def pitch_hz(audio: Audio) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio.samples))) * audio.rate_hz / len(audio.samples))


@pytest.mark.parametrize(("language", "asked"), [("he", "iw"), ("es-MX", "es"), ("zh-tw", "zh-TW")])
def test_a_language_is_asked_for_as_the_service_spells_it(serve: Serve, language: str, asked: str) -> None:
    service = serve(audio_reply(tone_mp3(0.5)))
    speak(language=language)
    assert [request.language for request in service.accepted] == [asked]


def test_a_language_that_the_service_does_not_speak_is_refused_before_it_is_asked(serve: Serve) -> None:
    service = serve(audio_reply(tone_mp3(0.5)))
    with pytest.raises(BadInputError, match="gtts cannot say anything in fa"):
        speak(language="fa")
    assert service.accepted == []


@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_becomes_mono_audio_of_the_same_length_and_pitch(serve: Serve, channels: int) -> None:
    service = serve(audio_reply(tone_mp3(1.5, channels)))
    audio = speak()
    assert service.refused == []
    assert audio.samples.dtype == np.int16
    assert audio.samples.ndim == 1
    assert audio.rate_hz == RATE_HZ
    assert abs(audio.duration_ms - 1500) <= 100
    assert rms_dbfs(audio.samples) > -30
    assert abs(pitch_hz(audio) - 440) <= 2


def test_request_names_text_language_and_host(serve: Serve) -> None:
    service = serve(audio_reply(tone_mp3(0.3)))
    speak("100 % + 1 & plus, où êtes-vous?", language="fr", tld="ca")
    assert service.accepted == [Request("translate.google.ca", "100 % + 1 & plus, où êtes-vous?", "fr", slow=False)]


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "de"),
        ("zh", "yue"),
        pytest.param(
            "fr",
            "fr-CA",
        ),
    ],
)
def test_voice_replaces_the_language(serve: Serve, language: str, voice: str) -> None:
    service = serve(audio_reply(tone_mp3(0.3)))
    speak(language=language, voice=voice)
    assert [request.language for request in service.accepted] == [voice]


@pytest.mark.parametrize(("speed", "slow"), [(0.7, True), (0.75, False), (1.3, False)])
def test_only_a_low_speed_asks_for_the_slow_voice(serve: Serve, speed: float, *, slow: bool) -> None:
    service = serve(audio_reply(tone_mp3(0.3)))
    speak(speed=speed)
    assert [request.slow for request in service.accepted] == [slow]


def test_long_text_goes_in_parts_that_are_joined(serve: Serve) -> None:
    service = serve(audio_reply(tone_mp3(1)))
    audio = speak("I would like to change my appointment on Monday, if that is possible. " * 3)
    assert service.refused == []
    assert len(service.accepted) >= 3
    assert abs(audio.duration_ms - 1000 * len(service.accepted)) <= 100 * len(service.accepted)


def test_429_is_rate_limiting_and_says_when_to_retry(serve: Serve) -> None:
    service = serve(Reply(b"", status=429))
    with pytest.raises(RateLimitedError) as caught:
        speak()
    assert len(service.accepted) == 1
    assert not caught.value.non_retryable
    assert caught.value.next_retry_delay == timedelta(seconds=30)


def test_500_is_worth_a_retry(serve: Serve) -> None:
    service = serve(Reply(b"", status=500))
    with pytest.raises(SpeechServiceError, match="500") as caught:
        speak()
    assert len(service.accepted) == 1
    assert not caught.value.non_retryable
    assert caught.value.next_retry_delay is None


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        pytest.param(audio_reply(b"this is text, not sound" * 40), "not MP3", id="text_for_mp3"),
        pytest.param(audio_reply(b""), "not MP3", id="empty_audio"),
        pytest.param(rpc_reply(None), "failed", id="no_audio"),
        pytest.param(Reply(b"<html>Before you continue</html>"), "not MP3", id="consent_page"),
        pytest.param(
            Reply("<html>Défi</html>".encode("latin-1")),
            "gtts service",
            id="page_that_is_not_utf8",
        ),
        pytest.param(
            rpc_reply(json.dumps(["abcde"])),
            "gtts service",
            id="broken_base64",
        ),
    ],
)
def test_reply_without_mp3_is_the_services_fault(serve: Serve, reply: Reply, message: str) -> None:
    service = serve(reply)
    with pytest.raises(SpeechServiceError, match=message) as caught:
        speak()
    assert len(service.accepted) == 1
    assert not caught.value.non_retryable


def test_refused_connection_is_the_services_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{bound_but_not_listening.getsockname()[1]}")
        with pytest.raises(SpeechServiceError, match="connect") as caught:
            speak()
    assert not caught.value.non_retryable


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param(TEXT, "tlh", id="unknown_language"),
        pytest.param("", "en", id="no_text"),
        pytest.param(
            "...",
            "en",
            id="nothing_to_pronounce",
        ),
        pytest.param(
            " ",
            "en",
            id="blank",
        ),
    ],
)
def test_what_cannot_be_said_is_never_asked_for(serve: Serve, text: str, language: str) -> None:
    service = serve(audio_reply(tone_mp3(0.3)))
    with pytest.raises(BadInputError, match="cannot say") as caught:
        speak(text, language=language)
    assert caught.value.non_retryable
    assert not service.accepted
    assert not service.refused


def f_req(text: str = TEXT, *, rpc: str = RPC) -> str:
    return "f.req=" + quote(json.dumps([[[rpc, json.dumps([text, "en", None, "null"]), None, "generic"]]]))


@pytest.mark.parametrize(
    ("method", "path", "content_type", "body", "status"),
    [
        pytest.param("POST", PATH, FORM, f_req(), 200, id="well_formed"),
        pytest.param("GET", PATH, FORM, "", 400, id="method"),
        pytest.param("POST", "/translate_tts", FORM, f_req(), 400, id="path"),
        pytest.param("POST", PATH, "application/json", f_req(), 400, id="content_type"),
        pytest.param("POST", PATH, FORM, "q=hello", 400, id="no_f_req"),
        pytest.param("POST", PATH, FORM, "f.req=hello", 400, id="not_json"),
        pytest.param("POST", PATH, FORM, "f.req=[[1]]", 400, id="wrong_shape"),
        pytest.param("POST", PATH, FORM, f_req(rpc="MkEWBc"), 400, id="other_rpc"),
        pytest.param("POST", PATH, FORM, f_req("a" * 101), 400, id="too_long"),
    ],
)
def test_stand_in_refuses_what_the_service_refuses(
    serve: Serve, method: str, path: str, content_type: str, body: str, status: int
) -> None:
    proxy = urlsplit(serve(rpc_reply(None)).proxy)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    line = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=trusting, timeout=60)
    line.set_tunnel("translate.google.com", 443)
    try:
        line.request(method, path, body, {"Content-Type": content_type})
        assert line.getresponse().status == status
    finally:
        line.close()
