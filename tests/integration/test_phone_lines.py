"""Lines of an account, shared by workers that know nothing of each other, on a real S3 server."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from local_stack import LocalStack

from activities.phone_lines import _KEY, PhoneLinesStep
from voicewright.s3 import S3Store

NOW_S = 1_800_000_000.0
MINUTE_MS = 60_000


def lines(stack: LocalStack, count: int, per_second: float = 1000.0, *callers: str) -> PhoneLinesStep:
    """A worker of its own."""
    return PhoneLinesStep(S3Store(stack.settings), callers, count, per_second, None)


def test_workers_together_never_hold_more_lines_than_the_account_has(stack: LocalStack) -> None:
    S3Store(stack.settings).delete(_KEY)
    workers = [lines(stack, 3, 1000.0, "+1500", "+1501") for _ in range(4)]

    def ask(number: int) -> str | None:
        grant = workers[number % 4].reserve(f"case-{number}", MINUTE_MS, NOW_S + number)
        return grant.caller_id if grant.granted else None

    with ThreadPoolExecutor(8) as pool:
        granted = [caller for caller in pool.map(ask, range(16)) if caller is not None]
    assert len(granted) == 3
    assert max(Counter(granted).values()) == 2  # spread over the numbers


def test_a_line_is_kept_by_who_has_it_and_free_once_given_back_or_expired(stack: LocalStack) -> None:
    S3Store(stack.settings).delete(_KEY)
    one, other = lines(stack, 1), lines(stack, 1)
    assert one.reserve("a", MINUTE_MS, NOW_S).granted
    assert one.reserve("a", MINUTE_MS, NOW_S + 1).granted  # asking again changes nothing
    refused = other.reserve("b", MINUTE_MS, NOW_S + 1)
    assert not refused.granted
    assert refused.wait_ms > 0
    one.release("a")
    one.release("a")
    assert other.reserve("b", MINUTE_MS, NOW_S + 2).granted
    assert not one.reserve("c", MINUTE_MS, NOW_S + 60).granted
    assert one.reserve("c", MINUTE_MS, NOW_S + 600).granted  # b was never heard of again


def test_the_rate_of_calls_is_the_accounts(stack: LocalStack) -> None:
    S3Store(stack.settings).delete(_KEY)
    one, other = lines(stack, 10, 0.5), lines(stack, 10, 0.5)
    assert one.reserve("a", MINUTE_MS, NOW_S).granted
    soon = other.reserve("b", MINUTE_MS, NOW_S + 0.5)
    assert not soon.granted
    assert 1500 <= soon.wait_ms <= 1510
    assert other.reserve("b", MINUTE_MS, NOW_S + 0.5 + soon.wait_ms / 1000).granted
