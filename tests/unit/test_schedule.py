"""Cron lines that Temporal would read otherwise than whoever wrote them."""

import pytest
from pydantic import ValidationError

from voicewright.client.schedule import RunSchedule, cron_problem
from voicewright.contracts.run import RunRequest


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "says when"),
        ("   ", "says when"),
        ("0 0 3 * * *", "this one has 6"),
        ("0 0 3 * * * *", "this one has 7"),
        ("0 3 * * * 2027", "this one has 6"),
        ("0 3 * *", "this one has 4"),
        ("CRON_TZ=Europe/Paris 0 0 3 * * *", "this one has 6"),
        ("0 3 * * 5#2", "comment"),
        ("0 3 * * * # nightly", "comment"),
        ("0 3 13 * 5", "only on days that are both"),
        ("0 3 1-7 * MON", "only on days that are both"),
        ("*/90 * * * *", "every 90th minute"),
        ("0 */36 * * *", "every 36th hour"),
        ("0 3 1-31/40 * *", "every 40th day"),
    ],
)
def test_what_never_runs_or_not_when_meant_is_refused(line: str, why: str) -> None:
    assert why in cron_problem(line)
    with pytest.raises(ValidationError):
        RunSchedule(name="n", request=RunRequest(suite="s"), cron=line)


@pytest.mark.parametrize(
    "line",
    ["0 3 * * *", "*/5 * * * *", "0 22 * * 1-5", "0 3 1,15 * *", "@daily", "TZ=Asia/Tokyo 0 9 * * mon", "0 3 */2 * 1"],
)
def test_other_lines_are_taken(line: str) -> None:
    assert cron_problem(line) == ""
    RunSchedule(name="n", request=RunRequest(suite="s"), cron=line)


def test_a_schedule_has_one_time() -> None:
    for times in ({}, {"cron": "0 3 * * *", "every_ms": 60_000}):
        with pytest.raises(ValidationError, match="one of cron and every_ms"):
            RunSchedule.model_validate({"name": "n", "request": {"suite": "s"}, **times})
