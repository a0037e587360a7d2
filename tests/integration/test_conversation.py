"""What a caller can do, on a real line, against an agent whose timing is known exactly."""

import asyncio
import base64
import json
import time
from contextlib import aclosing
from typing import Any

import caller
import numpy as np
import pytest
from far_ends import agent, media, told
from local_stack import Child
from websockets.asyncio.server import ServerConnection

from activities.audio import g711
from activities.audio.dtmf import find_keys
from activities.audio.pcm import Audio, Samples, rms_dbfs
from activities.call.held import Held
from activities.call.profile import CallerProfile
from activities.call.script import Awaits, Planned, PlannedTurn, plan
from activities.call.timeline import events, measure
from activities.call.understanding import Understanding
from activities.channels.media_stream.line import MediaStreamDialler
from activities.speech.recognition.whisper import WhisperRecogniser
from voicewright.contracts.call import CallEnd
from voicewright.settings import Settings
from voicewright.suite import Case, Limits
from voicewright.suite.format.agent import MediaStreamTarget
from voicewright.suite.format.profile import Noise, Profile
from voicewright.suite.format.spoken import spoken

pytestmark = pytest.mark.calls

SETTINGS = Settings()
SLOW_EARS = Limits(answer_ms=4000, call_s=300)
"""On a busy machine a phrase is understood long after it was said, and the caller waits for that."""


class Ears(Understanding):
    """Notes how long understanding took."""

    took_ms = 0.0

    async def understand(self, sound: Samples, rate_hz: int) -> str:
        began = time.monotonic()
        text = await super().understand(sound, rate_hz)
        self.took_ms = max(self.took_ms, 1000 * (time.monotonic() - began))
        return text


@pytest.fixture(scope="session")
def menu() -> Samples:
    return caller.speak("Welcome. For sales, press one. For support, press two.")


@pytest.fixture(scope="session")
def ears() -> Ears:
    recogniser = WhisperRecogniser(SETTINGS.whisper_model, SETTINGS.models_dir, 2)

    def no_judge() -> Any:
        raise AssertionError("nobody asked for a meaning")

    return Ears(lambda: recogniser, no_judge, "en")


async def hold(url: str, script: list[Planned], limits: Limits | None = None, **more: Any) -> Held:
    target = MediaStreamTarget(channel="media_stream", url=url)
    async with aclosing(MediaStreamDialler()) as dialler:
        line = await dialler.dial(target, call_id="test")
        if (profile := more.pop("profile", None)) is not None:
            more["outbound"] = profile.outbound(line)
        return await caller.hold(line, script, limits, **more)


async def test_interruption_stop_time_is_right(calibration: Child, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    cut = PlannedTurn(1, speech.samples, judged=True, interrupt_ms=1000)
    url = f"{calibration.address}?long=1&stop_ms=420&delay_ms=500&call=interrupted"
    held = await hold(url, [greeting, cut], Limits(call_s=6))
    [report] = await told(calibration, "call=interrupted")
    timing = measure(held)[0][1]
    assert timing.interrupts
    assert timing.stop_ms is not None
    stopped, answered = report["stopped_ms"][0], report["answered_ms"][0]
    assert stopped >= 419
    assert abs(timing.stop_ms - stopped - caller.until_loud_ms(speech.samples)) <= caller.inexact_ms(held)
    assert timing.ttfa_ms is not None
    assert answered >= 499
    assert abs(timing.ttfa_ms - answered) <= caller.inexact_ms(held)


async def test_an_agent_that_has_finished_cannot_be_interrupted(calibration_agent: str, speech: Audio) -> None:
    greeting = PlannedTurn(0, None, judged=False)
    late = PlannedTurn(1, speech.samples, judged=False, interrupt_ms=6000)
    held = await hold(calibration_agent, [greeting, late])
    timing = measure(held)[0][1]
    assert not timing.interrupts
    assert timing.stop_ms is None


async def deaf(socket: ServerConnection, menu: Samples, cut_ms: int, pause_ms: int) -> None:
    """Reads its menu to the end, whoever talks into it, with one pause after the caller's first loud frame."""
    rest: Samples | None = menu
    began = 0.0
    async for raw in socket:
        message = json.loads(raw)
        if message["event"] == "start":
            await socket.send(media(menu, message["streamSid"]))
            began = time.monotonic()
        elif message["event"] == "media" and rest is not None:
            frame = g711.decode(base64.b64decode(message["media"]["payload"]))
            if np.abs(frame).max() > caller.LOUD:
                rest = None
                await asyncio.sleep(cut_ms / 1000)
                said = round((time.monotonic() - began) * 8000)
                await socket.send(json.dumps({"event": "clear", "streamSid": message["streamSid"]}))
                pause = np.zeros(8 * pause_ms, np.int16)
                await socket.send(media(np.concatenate([pause, menu[said:]]), message["streamSid"]))


async def test_an_agent_that_only_pauses_has_not_given_way() -> None:
    menu = caller.speak(
        "Welcome. For sales press one, for support press two, for billing press three, for our opening hours press "
        "four, for directions to all of our branches press five, to hear all of this again press six."
    )
    frames = menu[: len(menu) // 160 * 160].reshape(-1, 160)
    menu = frames[np.abs(frames).max(axis=1) > caller.LOUD].reshape(-1)  # no pauses but the one
    words = caller.speak("Never mind all of that, please tell me when you open tomorrow.")
    script: list[Planned] = [
        PlannedTurn(0, None, judged=False),
        PlannedTurn(1, words, judged=True, interrupt_ms=1500),
    ]
    async with agent(lambda socket: deaf(socket, menu, 200, 305)) as url:
        held = await hold(url, script, Limits(answer_ms=2000))
    timing = measure(held)[0][1]
    assert timing.interrupts
    assert timing.resumed
    assert timing.caller_start_ms is not None
    assert timing.stop_ms is not None
    menu_ends = timing.caller_start_ms + timing.stop_ms
    assert abs(menu_ends - len(menu) / 8 - 305) <= 150 + caller.inexact_ms(held)
    assert timing.overlap_ms > 600
    assert timing.agent_start_ms is None
    assert held.end is CallEnd.AGENT_SILENT  # once it was silent for that long, and not while it read on
    assert len(held.agent) / 8 - menu_ends >= 1900


@pytest.mark.parametrize(("delay_ms", "after_ms"), [(0, None), (95, None), (0, 2500), (60, 2500)])
async def test_a_key_is_answered_as_soon_as_it_is_down(menu: Samples, delay_ms: int, after_ms: int | None) -> None:
    answer = caller.speak("You are through to support now.")

    async def cut(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                await socket.send(media(menu, message["streamSid"]))
            elif message["event"] == "dtmf":
                await asyncio.sleep(delay_ms / 1000)
                await socket.send(json.dumps({"event": "clear", "streamSid": message["streamSid"]}))
                await socket.send(media(answer, message["streamSid"]))

    script: list[Planned] = [
        PlannedTurn(0, None, judged=True),
        PlannedTurn(1, None, judged=True, keys="2", interrupt_ms=after_ms),
    ]
    async with agent(cut) as url:
        held = await hold(url, script)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    timings, speech = measure(held)
    assert timings[1].ttfa_ms is not None
    assert abs(timings[1].ttfa_ms - delay_ms) <= caller.inexact_ms(held)
    assert timings[1].ttfa_ms >= 0
    own = [item for item in speech if item.side == "agent" and item.turn == 1]
    assert abs(sum(item.end_ms - item.start_ms for item in own) - len(answer) / 8) <= 400
    if after_ms is not None:
        assert timings[1].stop_ms is not None
        assert timings[1].stop_ms <= delay_ms + caller.inexact_ms(held)


async def test_a_click_is_no_answer(speech: Audio) -> None:
    click = np.random.default_rng(4).normal(0, 6000, 240).clip(-32000, 32000)

    async def clicks(socket: ServerConnection) -> None:
        """Clicks when the caller is done, and answers a second later."""
        last, sid, answered = 0.0, "", False
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                sid = message["streamSid"]
                await socket.send(media(speech.samples, sid))
            elif message["event"] == "media":
                frame = g711.decode(base64.b64decode(message["media"]["payload"]))
                if np.abs(frame).max() > caller.LOUD:
                    last = time.monotonic()
                elif last and not answered and time.monotonic() - last > 0.3:
                    answered = True
                    pause = np.zeros(8 * 1500, np.int16)
                    await socket.send(media(np.concatenate([click, pause, speech.samples]), sid))

    script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, speech.samples, judged=True)]
    async with agent(clicks) as url:
        held = await hold(url, script)
    timing = measure(held)[0][1]
    assert held.end is CallEnd.COMPLETED
    assert timing.ttfa_ms is not None
    assert 1800 <= timing.ttfa_ms <= 1900 + caller.inexact_ms(held)


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
        # A hundred of our frames after the call began.
        assert -20 <= timing.ttfa_ms - 2000 <= 20 + caller.inexact_ms(held)
        unheard = await hold(url, [PlannedTurn(0, None, judged=True, silence_ms=1000)])
        assert unheard.end is CallEnd.AGENT_SILENT
        pause = await hold(url, [PlannedTurn(0, None, judged=False, silence_ms=1000)])
        assert pause.end is CallEnd.COMPLETED
        assert 1 <= len(pause.caller) / 8000 <= 1.5  # counted in frames: the pause, and a tail


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
            {"wait_for": {"matches": ["press (two|2)"], "within_s": 100}, "dtmf": "2", "expect": {"contains": ["x"]}},
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


async def test_menus_are_waited_for_and_branches_follow_what_was_said(menu: Samples, ears: Ears) -> None:
    answers = {"2": caller.speak("This is support, hold on."), "3": caller.speak("Thank you for calling, goodbye.")}
    async with agent(lambda socket: ivr(socket, menu, answers)) as url:
        held = await hold(url, plan(spoken(CASE, "en"), {}), SLOW_EARS, ears=ears)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    assert [(event.value, event.turn) for event in events(held) if event.kind == "pressed"] == [("2", 0), ("3", 2)]
    assert [turn.index for turn in held.turns] == [0, 2]
    assert len(held.caller) == len(held.agent)
    assert held.lateness_ms[2] < ears.took_ms  # the call went on while words were recognised


async def test_what_was_said_before_the_wait_counts(menu: Samples, ears: Ears) -> None:
    case = Case.model_validate(
        {
            "id": "x",
            "turns": [
                {"expect": {"contains": ["welcome"]}},
                {
                    "wait_for": {"matches": ["press (one|1)"], "within_s": 100},
                    "dtmf": "1",
                    "expect": {"contains": ["x"]},
                },
            ],
        }
    )
    answers = {"1": caller.speak("You are through to sales now.")}
    async with agent(lambda socket: ivr(socket, menu, answers)) as url:
        held = await hold(url, plan(spoken(case, "en"), {}), SLOW_EARS, ears=ears)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    assert [event.value for event in events(held) if event.kind == "pressed"] == ["1"]


class StarvedEars(Ears):
    """The first understanding gets no processor for long, and then knows only what had been said when it began."""

    slept = False

    async def understand(self, sound: Samples, rate_hz: int) -> str:
        text = await super().understand(sound, rate_hz)
        if not self.slept:
            self.slept = True
            await asyncio.sleep(6)
        return text


async def test_what_was_said_in_time_is_understood_before_the_agent_is_blamed(ears: Ears) -> None:
    pause = np.zeros(8_000, np.int16)
    menu = np.concatenate([caller.speak("Welcome."), pause, caller.speak("For sales, press one.")])
    wait = {"matches": ["press (one|1)"], "within_s": 5}
    case = Case.model_validate({"id": "x", "turns": [{"wait_for": wait, "dtmf": "1", "expect": {"contains": ["x"]}}]})
    starved = StarvedEars(ears._recogniser, ears._judge, "en")
    async with agent(lambda socket: ivr(socket, menu, {"1": caller.speak("You are through.")})) as url:
        held = await hold(url, plan(spoken(case, "en"), {}), SLOW_EARS, ears=starved)
    assert starved.slept
    assert held.end is CallEnd.COMPLETED, held.end_detail


async def test_waiting_in_vain_ends_the_call(menu: Samples, ears: Ears) -> None:
    case = Case.model_validate(
        {"id": "x", "turns": [{"wait_for": {"contains": ["umbrella"], "within_s": 5}, "dtmf": "1"}]}
    )
    async with agent(lambda socket: ivr(socket, menu, {})) as url:
        held = await hold(url, plan(spoken(case, "en"), {}), ears=ears)
    assert held.end is CallEnd.WAITED_IN_VAIN


async def test_a_caller_in_noise_on_a_bad_line(calibration_agent: str, speech: Audio) -> None:
    profile = Profile(noise=Noise(kind="pink", snr_db=10), volume_db=-6, loss=0.1, jitter_ms=60, seed=5)
    spoiled = CallerProfile(profile, 8000, "case/en/1")
    words = spoiled.sound(speech.samples)
    backdrop = spoiled.backdrop([words], None, 8000)  # type: ignore[arg-type]  # no file is read
    script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, words, judged=False)]
    held = await hold(f"{calibration_agent}?delay_ms=5000", script, profile=spoiled, backdrop=backdrop)
    spoken = held.turns[1].caller
    assert spoken is not None
    noise = held.caller[1600 : spoken.start - 160].astype(float)
    power = np.mean(noise[np.abs(noise) > 0] ** 2)
    assert abs(10 * np.log10(np.mean(words.astype(float) ** 2) / power) - 10) < 1
    frames = held.caller[: len(held.caller) // 160 * 160].reshape(-1, 160)
    assert 0.03 < np.mean(~frames.any(axis=1)) < 0.2  # lost on the way


def test_callers_come_out_the_same_by_seed_and_case(speech: Audio) -> None:
    def noise(seed: int, name: str) -> Samples:
        spoiled = CallerProfile(Profile(noise=Noise(), seed=seed), 8000, name)
        return spoiled.backdrop([speech.samples], None, 8000).behind(np.zeros(800, np.int16))  # type: ignore[arg-type]

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
