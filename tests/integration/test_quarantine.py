"""Quarantine: a case whose failure is known gates nothing until a day, and nobody can forget it there."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import httpx
import pytest
from browsing import needs_browser, picture
from listening import listening
from playwright.async_api import Page, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client
from test_insight import House, kept
from test_report import Shelf, check, report, result

from api.app import create_app
from api.services import Services
from voicewright.cli.commands.compare import gate
from voicewright.client import Voicewright
from voicewright.contracts.case import Outcome
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.quarantine import MOST_CASES, Quarantine, Quarantines
from voicewright.contracts.run import RunProgress
from voicewright.records import Records, upgrade
from voicewright.report.build import Links, build_report
from voicewright.report.compare import compare
from voicewright.report.junit import junit_xml
from voicewright.report.results import RunReport
from voicewright.runtime.exit import ExitCode, exit_code
from voicewright.settings import Settings
from voicewright.store.keys import quarantine_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.quarantine import QuarantineError, for_case, held_back, put_in, quarantined, take_out
from voicewright.suite.reading.file import parse_suite

SUITE = """suite: hotel
agent: {channel: media_stream, url: "ws://127.0.0.1:9/media"}
cases:
  - {id: c0, turns: [{say: Hello?, expect: {contains: [hello]}}]}
  - {id: c1, turns: [{say: Hello?, expect: {contains: [hello]}}]}
  - {id: c2, turns: [{say: Hello?, expect: {contains: [hello]}}]}
"""
P, F, E, U = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED, Outcome.UNREVIEWED


@pytest.fixture(scope="module")
def bucket() -> Iterator[Settings]:
    with S3Server() as server:
        yield Settings(
            s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
        )


@pytest.fixture
def store(bucket: Settings) -> S3Store:
    store = S3Store(bucket)
    store.ensure_bucket()
    store.delete(quarantine_key("hotel"))
    push(store, parse_suite(SUITE.encode(), "hotel.yaml"), SUITE.encode())
    return store


@pytest.fixture
async def house(real: Client, database: Engine, bucket: Settings, store: S3Store) -> AsyncIterator[House]:
    upgrade(database)
    records = Records(database)

    async def connect() -> Services:
        return Services(bucket, Voicewright(real), store, records)

    async with (
        listening(create_app(connect, (), ["127.0.0.1"])) as address,
        httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as web,
    ):
        yield House(address, web, records, store)


def held(store: S3Store, case: str, days: int = 7) -> Quarantine:
    one = for_case(store, "hotel", case, owner="Ada", reason="known", days=days, by="Ada")
    put_in(store, "hotel", one)
    return one


def test_it_ends_by_itself_and_by_hand(store: S3Store) -> None:
    assert held_back(store, "hotel") == ()
    held(store, "c1")
    renewed = held(store, "c1", days=1)
    assert held_back(store, "hotel") == ("c1",)
    assert renewed.until == datetime.now(UTC).date() + timedelta(days=1)
    assert renewed.holds(renewed.until)
    assert not renewed.holds(renewed.until + timedelta(days=1))
    over = Quarantines(cases=(renewed.model_copy(update={"until": date(2020, 1, 1)}),))
    store.put(quarantine_key("hotel"), over.model_dump_json().encode(), "application/json")
    assert held_back(store, "hotel") == ()
    assert [one.case for one in quarantined(store, "hotel")] == ["c1"]  # people see that it is over
    assert take_out(store, "hotel", "c1").case == "c1"
    with pytest.raises(QuarantineError, match="no case 'c1' of hotel is in quarantine"):
        take_out(store, "hotel", "c1")


@pytest.mark.parametrize(
    ("suite", "given", "says"),
    [
        ("hotel", {"case": "c11"}, "did you mean c1"),
        ("hotel", {"owner": " "}, "needs an owner"),
        ("hotel", {"reason": ""}, "needs a reason"),
        ("hotel", {"days": 0}, "1 to 90 days"),
        ("hotel", {"days": 91}, "1 to 90 days"),
        ("hotle", {}, "did you mean 'hotel'"),
    ],
)
def test_what_makes_no_sense_is_refused(store: S3Store, suite: str, given: dict[str, str | int], says: str) -> None:
    asked = {"case": "c1", "owner": "Ada", "reason": "known", "days": 7, "by": "Ada"} | given
    with pytest.raises(QuarantineError, match=says):
        for_case(store, suite, **asked)  # type: ignore[arg-type]
    assert quarantined(store, "hotel") == ()


def test_a_run_carries_only_so_many(store: S3Store) -> None:
    one = held(store, "c1")
    many = Quarantines(cases=tuple(one.model_copy(update={"case": f"x{n:03}"}) for n in range(MOST_CASES)))
    store.put(quarantine_key("hotel"), many.model_dump_json().encode(), "application/json")
    with pytest.raises(QuarantineError, match="take some out first"):
        put_in(store, "hotel", one)
    put_in(store, "hotel", many.cases[0])  # that one is in it already


def test_many_at_once_lose_nothing(bucket: Settings, store: S3Store) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda case: held(S3Store(bucket), case), ["c0", "c1", "c2"] * 4))
    assert held_back(store, "hotel") == ("c0", "c1", "c2")


def ran(**outcomes: Outcome) -> RunReport:
    wrong = (check("time", CheckOutcome.FAILED, "time: expected 9:30, heard 10:30"),)
    return report(
        *(result(Shelf(), case, outcome, wrong if outcome is F else ()) for case, outcome in outcomes.items())
    )


def aside(whole: RunReport, *cases: str) -> RunReport:
    return whole.model_copy(update={"quarantined": cases})


@pytest.mark.parametrize(
    ("counts", "excused", "code"),
    [
        ({P: 2, F: 1}, {F: 1}, ExitCode.PASSED),
        ({P: 2, F: 2}, {F: 1}, ExitCode.FAILED),
        ({P: 2, E: 1, U: 1}, {E: 1}, ExitCode.REVIEW_PENDING),
        ({P: 2, E: 1, U: 1}, {E: 1, U: 1}, ExitCode.PASSED),
        ({P: 3, F: 1}, {P: 1}, ExitCode.FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_others(
    counts: dict[Outcome, int], excused: dict[Outcome, int], code: ExitCode
) -> None:
    progress = RunProgress(run_id="r", counts=counts, quarantined=excused, reviewing_total=1, reviewing_quarantined=1)
    assert exit_code(progress.gating, still_open=progress.reviewing_gating) is code


def test_it_is_no_regression_but_still_shown(store: S3Store) -> None:
    before, after = ran(c0=P, c1=P), ran(c0=P, c1=F)
    assert compare(before, after).regressed
    comparison = compare(before, aside(after, "c1"))
    assert not comparison.regressed
    assert [one.case for one in comparison.worse] == ["c1"]
    known_and_new = aside(ran(c0=P, c1=F, c2=F), "c2")
    assert gate(store, known_and_new, before, ExitCode.FAILED, still_open=0) is ExitCode.FAILED
    assert gate(store, aside(known_and_new, "c1", "c2"), before, ExitCode.PASSED, still_open=0) is ExitCode.PASSED


def test_junit_skips_it_where_it_did_not_pass_and_reports_say_so() -> None:
    whole = aside(ran(c0=F, c1=F, c2=P), "c1", "c2")
    root = ET.fromstring(junit_xml("hotel", "run-1", whole.cases, quarantined=whole.quarantined))  # noqa: S314
    assert [[child.tag for child in case] for case in root.iter("testcase")] == [["failure"], ["skipped"], []]
    assert "in quarantine; failed" in (next(root.iter("skipped")).get("message") or "")
    built = build_report(Shelf(), whole, Links())
    assert "| failed (in quarantine) | `c1/en/1`" in built.markdown
    assert "2 of them are in quarantine" in built.markdown
    assert built.markdown.startswith("## ❌")
    assert build_report(Shelf(), aside(whole, "c0", "c1"), Links()).markdown.startswith("## ✅")


async def test_programs_put_cases_in_and_take_them_out(house: House) -> None:
    address = "/api/v1/suites/hotel/quarantine"
    assert (await house.web.get(address)).json() == []
    put = await house.web.put(f"{address}/c1", json={"reason": "JIRA-12", "owner": "Ada", "days": 3})
    assert put.status_code == 200, put.text
    [found] = (await house.web.get(address)).json()
    assert (found["case"], found["owner"], found["reason"]) == ("c1", "Ada", "JIRA-12")
    wrong = await house.web.put(f"{address}/c7", json={"reason": "JIRA-12", "owner": "Ada"})
    assert (wrong.status_code, "has no case 'c7'" in wrong.json()["detail"]) == (422, True)
    nobody = await house.web.put(f"{address}/c1", json={"reason": "JIRA-12"})  # without accounts nobody is known
    assert (nobody.status_code, "needs an owner" in nobody.json()["detail"]) == (422, True)
    assert (await house.web.delete(f"{address}/c1")).status_code == 200
    assert (await house.web.delete(f"{address}/c1")).status_code == 404
    assert (await house.web.get("/api/v1/suites/nobody/quarantine")).status_code == 404


@needs_browser
async def test_a_flaky_case_is_put_into_quarantine_from_its_history(house: House, tab: Page) -> None:
    kept(house.records, 3, "pfp")
    kept(house.records, 1, "ppf")
    await tab.goto(f"{house.address}/history?suite=hotel")
    await tab.click('a[aria-label="Put c1 into quarantine"]')
    assert await tab.input_value("[name=case]") == "c1"
    await tab.fill("[name=reason]", "<b>JIRA-12</b>")
    await tab.click("main form.sheet button")  # nobody is logged in, so somebody must be named
    await expect(tab.locator("[role=alert]")).to_contain_text("needs an owner")
    assert await tab.input_value("[name=reason]") == "<b>JIRA-12</b>"
    await tab.fill("[name=owner]", "Ada")
    await tab.click("main form.sheet button")
    await expect(tab.locator("tbody tr")).to_contain_text("<b>JIRA-12</b>")
    await picture(tab, "quarantine")
    await tab.goto(f"{house.address}/history?suite=hotel")
    await expect(tab.locator("tr", has_text="c1")).to_contain_text("in quarantine until")
    await picture(tab, "history-quarantine")
    await tab.goto(f"{house.address}/suites/hotel/quarantine")
    await tab.click('button[aria-label="Take c1 out"]')
    await expect(tab.locator("main")).to_contain_text("every case gates")
