"""What a caller can do, on a real line, against an agent whose timing is known exactly."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from activities.audio import Audio, Samples, rms_dbfs
from activities.speech.level import trim_silence
from activities.speech.piper import PiperEngine
from activities.speech.whisper import WhisperRecogniser
from activities.telephony import g711
from activities.telephony.caller_profile import CallerProfile
from activities.telephony.conversation import Conversation, Held
from activities.telephony.dtmf import find_keys
from activities.telephony.media_stream import MediaStreamDialler
from activities.telephony.script import Awaits, Planned, PlannedTurn, plan
from activities.telephony.timeline import events, measure
from activities.telephony.understanding import Understanding
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.agent import MediaStreamTarget
from voicewright.call import CallEnd
from voicewright.profile import Noise, Profile
from voicewright.settings import Settings
from voicewright.suite import Case, Limits

DETECTORS = Detectors()
SETTINGS = Settings()
Handler = Callable[[ServerConnection], Awaitable[None]]


def speak(text: str) -> Samples:
    speech = PiperEngine(SETTINGS.piper_voice, SETTINGS.models_dir).speak(text, "en", None, 1)
    return trim_silence(speech).at_rate(8000).samples


@pytest.fixture(scope="session")
def speech() -> Audio:
    samples = speak("Good morning, anybody there?")
    return Audio(samples[: (np.flatnonzero(np.abs(samples) > 4000)[-1] + 1) // 160 * 160], 8000)


@pytest.fixture(scope="session")
def menu() -> Samples:
    return speak("Welcome. For sales, press one. For support, press two.")


@pytest.fixture(scope="session")
def ears() -> Understanding:
    recogniser = WhisperRecogniser(SETTINGS.whisper_model, SETTINGS.models_dir, 2)

    def no_judge() -> Any:
        raise AssertionError("nobody asked for a meaning")

    return Understanding(recogniser, no_judge, "en")


async def hold(url: str, script: list[Planned], limits: Limits | None = None, **more: Any) -> Held:
    target = MediaStreamTarget(channel="media_stream", url=url)
    async with aclosing(MediaStreamDialler()) as dialler:
        line = await dialler.dial(target, call_id="test")
        if (caller := more.pop("caller", None)) is not None:
            line = caller.line(line)
        with DETECTORS.borrow(8000) as detector:
            activity = VoiceActivity(detector, 8000)
            return await Conversation(line, limits or Limits(answer_ms=3000, call_s=30), activity, **more).hold(script)


@asynccontextmanager
async def agent(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/media"


def media(samples: Samples, stream_sid: str) -> str:
    payload = base64.b64encode(g711.encode(samples)).decode()
    return json.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})


async def test_interruption_stop_time_is_right(calibration_agent: str, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=True, interrupt_ms=1000)
    held = await hold(f"{calibration_agent}?long=1&stop_ms=420&delay_ms=500", [greeting, cut], Limits(call_s=6))
    timing = measure(held)[0][1]
    assert timing.interrupts
    loud = int(np.flatnonzero(np.abs(speech.samples) > 600)[0]) / 8
    assert timing.stop_ms is not None
    assert abs(timing.stop_ms - 420 - loud // 20 * 20) <= 40
    assert timing.ttfa_ms is not None
    assert abs(timing.ttfa_ms - 500) <= 40


async def test_an_agent_that_has_finished_cannot_be_interrupted(calibration_agent: str, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    late = PlannedTurn(1, speech.samples, judged=False, interrupt_ms=6000)
    held = await hold(calibration_agent, [greeting, late])
    timing = measure(held)[0][1]
    assert not timing.interrupts
    assert timing.stop_ms is None


async def test_keys_go_out_as_messages_or_tones_and_come_back_as_tones(calibration_agent: str) -> None:
    limits = Limits(end_of_turn_ms=300, answer_ms=1000)
    script: list[Planned] = [
        PlannedTurn(0, None, judged=False, keys="5#", silence_ms=800),
        PlannedTurn(1, None, judged=False, keys="1D", tones=True),
    ]
    held = await hold(f"{calibration_agent}?dtmf_echo=1", script, limits)
    assert "".join(press.key for press in find_keys(held.agent, 8000)) == "5#"
    assert "".join(press.key for press in find_keys(held.caller, 8000)) == "1D"
    assert "".join(event.value for event in events(held) if event.kind == "pressed") == "5#1D"


async def test_silence_is_kept_until_the_agent_speaks(speech: Audio) -> None:
    async def reprompt(socket: ServerConnection) -> None:
        count, sid = 0, ""
        async for raw in socket:
            message = json.loads(raw)
            sid = sid or message.get("streamSid", "")
            count += message["event"] == "media"
            if count == 100:
                await socket.send(media(speech.samples, sid))

    async with agent(reprompt) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True, silence_ms=5000)])
        assert held.end is CallEnd.COMPLETED
        timing = measure(held)[0][0]
        assert timing.ttfa_ms is not None
        assert abs(timing.ttfa_ms - 2000) <= 60
        unheard = await hold(url, [PlannedTurn(0, None, judged=True, silence_ms=1000)])
        assert unheard.end is CallEnd.AGENT_SILENT
        pause = await hold(url, [PlannedTurn(0, None, judged=False, silence_ms=1000)])
        assert pause.end is CallEnd.COMPLETED
        assert 0.9 < len(pause.caller) / 8000 < 1.2


async def test_hanging_up_either_way(speech: Audio, calibration_agent: str) -> None:
    async def goodbye(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                await socket.send(media(speech.samples, message["streamSid"]))
                await asyncio.sleep(2.5)
                await socket.close(1000)
                return

    async with agent(goodbye) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True, awaits=Awaits.HANGUP)])
        assert held.end is CallEnd.AGENT_HUNG_UP
    ours = PlannedTurn(0, speech.samples, judged=False, hangs_up=True, awaits=Awaits.NOTHING)
    assert (await hold(calibration_agent, [ours])).end is CallEnd.COMPLETED


async def ivr(socket: ServerConnection, menu: Samples, answers: dict[str, Samples]) -> None:
    """Reads its menu once, and answers to keys."""
    async for raw in socket:
        message = json.loads(raw)
        if message["event"] == "start":
            await socket.send(media(menu, message["streamSid"]))
        elif message["event"] == "dtmf":
            await socket.send(media(answers[message["dtmf"]["digit"]], message["streamSid"]))


CASE = Case.model_validate(
    {
        "id": "menu",
        "turns": [
            {"wait_for": {"matches": ["press (two|2)"], "within_s": 15}, "dtmf": "2", "expect": {"contains": ["x"]}},
            {
                "when": [
                    {"said": {"matches": ["sales"]}, "then": [{"dtmf": "1"}]},
                    {"said": {"contains": ["support"]}, "then": [{"dtmf": "3", "expect": {"contains": ["y"]}}]},
                ],
                "else": [{"dtmf": "9"}],
            },
        ],
    }
)


async def test_menus_are_waited_for_and_branches_follow_what_was_said(menu: Samples, ears: Understanding) -> None:
    answers = {"2": speak("This is support, hold on."), "3": speak("Thank you for calling, goodbye.")}
    async with agent(lambda socket: ivr(socket, menu, answers)) as url:
        held = await hold(url, plan(CASE, {}, "en"), Limits(answer_ms=4000, call_s=30), ears=ears)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    assert [(event.value, event.turn) for event in events(held) if event.kind == "pressed"] == [("2", 0), ("3", 2)]
    assert [turn.index for turn in held.turns] == [0, 2]
    assert len(held.caller) == len(held.agent)
    assert held.frames_lost == 0  # the call went on while words were recognised


async def test_what_was_said_before_the_wait_counts(menu: Samples, ears: Understanding) -> None:
    case = Case.model_validate(
        {
            "id": "x",
            "turns": [
                {"expect": {"contains": ["welcome"]}},
                {"wait_for": {"matches": ["press (one|1)"], "within_s": 5}, "dtmf": "1", "expect": {"contains": ["x"]}},
            ],
        }
    )
    answers = {"1": speak("You are through to sales now.")}
    async with agent(lambda socket: ivr(socket, menu, answers)) as url:
        held = await hold(url, plan(case, {}, "en"), ears=ears)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    assert [event.value for event in events(held) if event.kind == "pressed"] == ["1"]


async def test_waiting_in_vain_ends_the_call(menu: Samples, ears: Understanding) -> None:
    case = Case.model_validate(
        {"id": "x", "turns": [{"wait_for": {"contains": ["umbrella"], "within_s": 5}, "dtmf": "1"}]}
    )
    async with agent(lambda socket: ivr(socket, menu, {})) as url:
        held = await hold(url, plan(case, {}, "en"), ears=ears)
    assert held.end is CallEnd.WAITED_IN_VAIN


async def test_a_caller_in_noise_on_a_bad_line(calibration_agent: str, speech: Audio) -> None:
    profile = Profile(noise=Noise(kind="pink", snr_db=10), volume_db=-6, loss=0.1, jitter_ms=60, seed=5)
    caller = CallerProfile(profile, 8000, "case/en/1")
    words = caller.sound(speech.samples)
    backdrop = caller.backdrop([words], None, 8000)  # type: ignore[arg-type] - no file is read
    script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, words, judged=False)]
    held = await hold(f"{calibration_agent}?delay_ms=5000", script, caller=caller, backdrop=backdrop)
    spoken = held.turns[1].caller
    assert spoken is not None
    noise = held.caller[1600 : spoken.start - 160].astype(float)
    power = np.mean(noise[np.abs(noise) > 0] ** 2)
    assert abs(10 * np.log10(np.mean(words.astype(float) ** 2) / power) - 10) < 1
    frames = held.caller[: len(held.caller) // 160 * 160].reshape(-1, 160)
    assert 0.03 < np.mean(~frames.any(axis=1)) < 0.2  # lost on the way


def test_callers_come_out_the_same_by_seed_and_case(speech: Audio) -> None:
    def noise(seed: int, name: str) -> Samples:
        caller = CallerProfile(Profile(noise=Noise(), seed=seed), 8000, name)
        return caller.backdrop([speech.samples], None, 8000).behind(np.zeros(800, np.int16))  # type: ignore[arg-type]

    assert np.array_equal(noise(1, "a"), noise(1, "a"))
    assert not np.array_equal(noise(1, "a"), noise(2, "a"))
    assert not np.array_equal(noise(1, "a"), noise(1, "b"))


@pytest.mark.parametrize("codec", ["g711", "gsm", "opus"])
def test_a_poor_telephone_changes_the_sound_and_not_its_length(speech: Audio, codec: str) -> None:
    said = Audio(speech.samples, 8000).at_rate(16_000).samples
    heard = CallerProfile(Profile(codec=codec), 16_000, "x").sound(said)  # type: ignore[arg-type]
    assert len(heard) == len(said)
    assert not np.array_equal(heard, said)
    assert abs(rms_dbfs(heard) - rms_dbfs(said)) < 3
    quiet = CallerProfile(Profile(volume_db=-20), 16_000, "x").sound(said)
    assert abs(rms_dbfs(quiet) - rms_dbfs(said) + 20) < 0.5
    narrow = CallerProfile(Profile(telephone_band=True), 16_000, "x").sound(said)
    spectrum = np.abs(np.fft.rfft(narrow.astype(float))) ** 2
    assert spectrum[len(spectrum) // 2 :].sum() < 0.02 * spectrum.sum()
