"""What a far end sends has a size, is clean, and is looked at once."""

import asyncio
import json
import time
from collections import deque
from typing import Any

import numpy as np
import pytest

from activities.audio.pcm import wav_bytes
from activities.audio.playback import MAX_AHEAD_S, MAX_MARKS, Playback
from activities.channels.event_queue import MAX_EVENTS, EventQueue
from activities.channels.houndify.line import _samples
from activities.channels.houndify.wire import JsonStream, Reply, TooMuchError
from activities.channels.incoming import MAX_CHARACTERS, MAX_VALUES, kept
from activities.channels.outbox import Outbox
from activities.errors import BadInputError
from voicewright.contracts.call import CallEventKind, StructuredAnswer
from voicewright.contracts.text import MAX_PASSAGE


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "given",
    [
        {"text": "x" * 3_000_000},
        [f"word {number}" for number in range(200_000)],
        {f"key {number}" * 50: 1 for number in range(20_000)},
        nested(450),
        {"half": "\ud83d", "\udc00": "\x00\ufffe"},
        10**4000,
        {"wide": [[[] for _ in range(100)] for _ in range(100)]},
    ],
    ids=["text", "words", "keys", "depth", "half signs", "number", "lists"],
)
def test_a_structured_answer_is_kept_to_a_size(given: Any) -> None:
    value, partial = kept(given)
    answer = StructuredAnswer(intent="a", result=value, partial=partial)
    body = answer.model_dump_json()
    assert len(body.encode()) < 3 * MAX_CHARACTERS + 40 * MAX_VALUES
    StructuredAnswer.model_validate_json(body)
    assert partial is ("half" not in str(given)[:10])


def test_an_ordinary_answer_is_kept_whole() -> None:
    given = {"NativeData": {"Time": "9:30", "Slots": [1, 2.5, None, True]}, "Words": "Grüß Gott 😀"}
    assert kept(given) == (given, False)


def test_events_of_a_call_have_a_size_together() -> None:
    queue = EventQueue()
    for number in range(5_000):
        queue.put(CallEventKind.NOTE, f"note {number} " + "x" * 10_000)
    queue.put(CallEventKind.TRANSFER, "+15550001111")
    taken = queue.take()
    assert sum(len(event.value) for event in taken) < 450_000
    assert "are kept" in taken[-2].value
    assert taken[-1].kind is CallEventKind.TRANSFER
    queue = EventQueue()
    for _ in range(2 * MAX_EVENTS):
        queue.put(CallEventKind.KEY, "55")
    taken = queue.take()
    assert len(taken) == MAX_EVENTS + 1
    assert taken[0].value == "5"


def test_what_an_agent_says_is_clean_and_says_that_it_was_cut() -> None:
    queue = EventQueue()
    queue.put(CallEventKind.ANSWER, "eight \ud83d" + "x" * 3_000_000)
    [event] = queue.take()
    assert len(event.value) <= MAX_PASSAGE
    assert event.value.startswith("eight \ufffd")
    assert event.value.endswith("more characters]")


def test_a_long_answer_is_parsed_in_time_that_grows_with_it() -> None:
    body = json.dumps({"AllResults": [{"SpokenResponse": 'say "{}" \\ é ' * 200_000}]}).encode()
    began = time.process_time()
    stream = JsonStream()
    found = [one for at in range(0, len(body), 700) for one in stream.feed(body[at : at + 700])]
    assert found == [json.loads(body)]
    assert not stream.left
    assert time.process_time() - began < 4


@pytest.mark.parametrize("body", [b"{" * 13_000_000, b'{"a": "' + b"x" * 13_000_000, b"{}" * 7_000_000])
def test_an_answer_without_end_is_not_read_to_it(body: bytes) -> None:
    stream = JsonStream()
    found = (one for at in range(0, len(body), 1 << 16) for one in stream.feed(body[at : at + (1 << 16)]))
    with pytest.raises(TooMuchError):
        deque(found, maxlen=0)


@pytest.mark.parametrize("body", [b"[" * 100, b"1" * 2_000, b'"x"', b"}", b"17 {}x"])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON|count of bytes|Expecting"):
        list(JsonStream().feed(body + b"\n"))


@pytest.mark.parametrize(
    "raw", [{"Disambiguation": []}, {"Disambiguation": {"ChoiceData": "x"}}, {"Disambiguation": {}}]
)
def test_a_reply_of_another_shape_brings_nothing_down(raw: dict[str, Any]) -> None:
    reply = Reply(partial="when")
    reply.take({**raw, "AllResults": [{}]})
    assert reply.transcription == "when"


@pytest.mark.parametrize("rate_hz", [1, 50, 4_000_000])
def test_a_sound_at_nobodys_rate_is_not_resampled(rate_hz: int) -> None:
    with pytest.raises(BadInputError, match="its rate is"):
        _samples(wav_bytes([np.zeros(1000, np.int16)], rate_hz))
    assert len(_samples(wav_bytes([np.zeros(8000 * 400, np.int16)], 8000))) == 16_000 * 180


def test_what_is_sent_ahead_has_a_size() -> None:
    line = Playback(8000)
    minute = np.full(8000 * 60, 1000, np.int16)
    assert [line.put(0.0, minute) for _ in range(12)].count(True) == MAX_AHEAD_S // 60
    reached: list[int] = []
    assert [line.mark(lambda: reached.append(1)) for _ in range(2 * MAX_MARKS)].count(True) == MAX_MARKS
    line.clear(1.0)
    assert line.mark(lambda: reached.append(1))
    line.take()
    assert reached == [1]


def test_crumbs_of_sound_are_played_as_one() -> None:
    line, whole = Playback(8000), np.arange(-4000, 4000, dtype=np.int16)
    began = time.process_time()
    for sample in np.split(np.tile(whole, 5), 40_000):
        line.put(1.0, sample)
    assert np.array_equal(np.concatenate([line.take() for _ in range(50)]), whole)
    assert np.array_equal(line.laid_out(1.0, 8000), whole)
    assert time.process_time() - began < 2


async def test_a_far_end_that_reads_nothing_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.channels.outbox.PATIENCE_S", 0.2)
    reads, sent = asyncio.Event(), []

    async def send(message: str) -> None:
        await reads.wait()
        sent.append(message)

    outbox = Outbox(send, lambda error: pytest.fail(str(error)))
    for number in range(50):
        outbox.put(str(number))
    assert not outbox.stuck
    await asyncio.sleep(0.3)
    assert outbox.stuck
    reads.set()
    await outbox.flush(1)
    assert sent == [str(number) for number in range(50)]
    assert not outbox.stuck
    await outbox.close()


async def test_a_broken_connection_is_told_once() -> None:
    errors: list[Exception] = []

    async def send(_: str) -> None:
        raise ConnectionResetError

    outbox = Outbox(send, errors.append)
    outbox.put("a")
    outbox.put("b")
    await outbox.flush(1)
    outbox.put("c")
    await outbox.flush(1)
    assert len(errors) == 1
    assert not outbox.stuck
    await outbox.close()
