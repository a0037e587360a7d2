"""How long services ask us to stay away, in all the ways in which they say it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from activities.retry_after import MAX_RETRY_AFTER_S, retry_after_s


@pytest.mark.parametrize(
    ("named", "wait_s"),
    [
        ("7", 7),
        (" 0.25 ", 0.25),
        ("0", 0),
        ("-5", 0),
        ("86400", MAX_RETRY_AFTER_S),
        ("inf", MAX_RETRY_AFTER_S),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        (["9"], 9),
        ([], None),
    ],
)
def test_seconds_within_limits(named: object, wait_s: float | None) -> None:
    assert retry_after_s({"Retry-After": named}) == wait_s


def test_a_date_is_a_time_from_now() -> None:
    until = datetime.now(UTC) + timedelta(seconds=90)
    assert retry_after_s({"retry-after": format_datetime(until, usegmt=True)}) == pytest.approx(90, abs=3)


def test_a_service_that_names_no_time() -> None:
    assert retry_after_s({"Content-Length": "5"}) is None
