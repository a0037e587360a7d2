"""Lines of an account, shared by workers that know nothing of each other, on a real S3 server."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_stack import LocalStack
from temporalio.testing import ActivityEnvironment

from activities import phone_lines
from activities.errors import LineTakenError
from activities.phone_lines import KEPT_S, KEY, RESERVED_S, Account, PhoneLines
from voicewright.store.s3 import S3Store

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def no_lines(stack: LocalStack) -> None:
    S3Store(stack.settings).delete(KEY)


def lines(stack: LocalStack, count: int, per_second: float = 1000.0, *callers: str) -> PhoneLines:
    """A worker of its own."""
    return PhoneLines(S3Store(stack.settings), Account(callers, count, per_second))


def test_workers_together_never_hold_more_lines_than_the_account_has(stack: LocalStack) -> None:
    workers = [lines(stack, 3, 1000.0, "+1500", "+1501") for _ in range(4)]

    def ask(number: int) -> str | None:
        grant = workers[number % 4].reserve(f"case-{number}", NOW_S + number)
        return grant.caller_id if grant.granted else None

    with ThreadPoolExecutor(8) as pool:
        granted = [caller for caller in pool.map(ask, range(16)) if caller is not None]
    assert len(granted) == 3
    assert max(Counter(granted).values()) == 2  # spread over the numbers


def test_a_line_is_kept_by_who_has_it_and_free_once_given_back(stack: LocalStack) -> None:
    one, other = lines(stack, 1), lines(stack, 1)
    assert one.reserve("a", NOW_S).granted
    assert one.reserve("a", NOW_S + 1).granted  # asking again changes nothing
    refused = other.reserve("b", NOW_S + 1)
    assert not refused.granted
    assert refused.wait_ms > 0
    one.release("a")
    one.release("a")
    assert other.reserve("b", NOW_S + 2).granted


def test_a_call_keeps_its_line_for_hours_and_loses_it_a_minute_after_its_last_beat(stack: LocalStack) -> None:
    one, other = lines(stack, 1), lines(stack, 1)
    assert one.reserve("a", NOW_S).granted
    for beat in range(0, 7200, 15):
        assert one.keep("a", NOW_S + beat)
        if beat % 900 == 0:
            assert not other.reserve("b", NOW_S + beat + KEPT_S - 1).granted
    assert other.reserve("b", NOW_S + 7185 + KEPT_S + 1).granted
    assert not one.keep("a", NOW_S + 7185 + KEPT_S + 2)


def test_a_reserved_line_waits_for_its_call_and_no_longer(stack: LocalStack) -> None:
    one, other = lines(stack, 1), lines(stack, 1)
    assert one.reserve("a", NOW_S).granted
    assert not other.reserve("b", NOW_S + RESERVED_S - 1).granted
    assert one.keep("a", NOW_S + RESERVED_S + 10)  # late, but nobody else wanted it
    assert not other.reserve("b", NOW_S + RESERVED_S + 20).granted


@pytest.mark.parametrize("ahead_s", [3600.0, DAY_S, 365 * DAY_S])
def test_what_a_wrong_clock_wrote_blocks_nobody(stack: LocalStack, ahead_s: float) -> None:
    wrong, right = lines(stack, 1, 0.5), lines(stack, 1, 0.5)
    assert wrong.reserve("a", NOW_S + ahead_s).granted
    assert right.reserve("b", NOW_S).granted


def test_the_rate_of_calls_is_the_accounts(stack: LocalStack) -> None:
    one, other = lines(stack, 10, 0.5), lines(stack, 10, 0.5)
    assert one.reserve("a", NOW_S).granted
    soon = other.reserve("b", NOW_S + 0.5)
    assert not soon.granted
    assert 1500 <= soon.wait_ms <= 1510
    assert other.reserve("b", NOW_S + 0.5 + soon.wait_ms / 1000).granted


async def test_a_call_beats_while_it_lasts_and_is_refused_where_its_line_is_gone(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_lines, "BEAT_S", 0.05)
    kept = lines(stack, 1)
    beats = Counter[str]()
    keep = kept.keep

    def counted(holder: str, now_s: float, caller_id: str = "") -> bool:
        beats[holder] += 1
        return keep(holder, now_s, caller_id)

    monkeypatch.setattr(kept, "keep", counted)

    async def hold(holder: str) -> int:
        async with kept.kept(holder, "+1500"):
            with pytest.raises(LineTakenError):
                async with kept.kept("somebody else", "+1500"):
                    pass
            while beats[holder] < 4:
                await asyncio.sleep(0.02)
        return beats[holder]

    assert await ActivityEnvironment().run(hold, "a") >= 4
