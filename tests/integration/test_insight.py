"""The dashboard, two runs compared, and suites in the web app: for programs, and in a browser."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from browsing import needs_browser, picture
from listening import listening
from playwright.async_api import Page, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client
from test_report import Shelf, report, result

from api.app import create_app
from api.services import Services
from voicewright.client import Voicewright
from voicewright.contracts.case import CaseKey, Outcome, SuiteRef
from voicewright.contracts.records import CaseRecord, ReviewRecord, RunRecord, TurnRecord
from voicewright.contracts.verdict import Decision
from voicewright.records import Records, upgrade
from voicewright.records.figures import Scope, Tally
from voicewright.settings import Settings
from voicewright.store.keys import run_key, suite_version_key
from voicewright.store.s3 import S3Store

NOW = datetime.now(UTC).replace(microsecond=0)
SUITE = """suite: hotel
agent: {channel: media_stream, url: "ws://127.0.0.1:9/media"}
cases:
  - id: c0
    turns: [{say: Hello?, expect: {contains: [hello]}}]
"""


@dataclass
class House:
    """The web app, what it keeps, and a client."""

    address: str
    web: httpx.AsyncClient
    records: Records
    store: S3Store


@pytest.fixture
async def house(real: Client, database: Engine) -> AsyncIterator[House]:
    with S3Server() as server:
        upgrade(database)
        settings = Settings(
            s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
        )
        store, records = S3Store(settings), Records(database)
        store.ensure_bucket()

        async def connect() -> Services:
            return Services(settings, Voicewright(real), store, records)

        async with (
            listening(create_app(connect, (), ["127.0.0.1"])) as address,
            httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as web,
        ):
            yield House(address, web, records, store)


def kept(
    records: Records, days_ago: int, ended: str, *, suite: str = "hotel", branch: str = "", ttfa_ms: int = 500
) -> str:
    """A run, a letter a case: (p)assed, (f)ailed, (e)rrored, (u)nreviewed; in capitals, asked of a person."""
    started = NOW - timedelta(days=days_ago, hours=1)
    run_id = f"run-{suite}-{branch}-{days_ago}"
    ref = SuiteRef(name=suite, version="0" * 64)
    records.record_run(
        RunRecord(run_id=run_id, suite=ref, total=len(ended), started_at=started, ended_at=started, branch=branch)
    )
    outcomes = {str(outcome)[0]: outcome for outcome in Outcome}
    records.record_cases(
        [
            CaseRecord(
                run_id=run_id,
                key=(key := CaseKey(case=f"c{place}", language=("en", "de")[place % 2])),
                workflow_id=f"{run_id}/{key}",
                outcome=outcomes[letter.lower()],
                decision=Decision.PASS,  # where a person corrected words, it was the machine's last word too
                review=ReviewRecord(asked_at=started) if letter.isupper() else None,
                turns=(TurnRecord(turn=0, ttfa_ms=ttfa_ms + 100 * place), TurnRecord(turn=1)),
            )
            for place, letter in enumerate(ended)
        ]
    )
    return run_id


async def test_figures_are_counted_right(house: House) -> None:
    records = house.records
    kept(records, 20, "pppp")
    kept(records, 2, "pPfeu", branch="main", ttfa_ms=1000)
    kept(records, 1, "fppp")
    kept(records, 1, "p", suite="bank")
    kept(records, 40, "ffff")
    found = records.figures(Scope(days=30))
    assert found.runs == 4
    assert found.whole == Tally("", 10, 2, 1, 1, 1, ttfa_p50_ms=700, ttfa_p95_ms=1400)
    assert (found.whole.cases, round(found.whole.pass_rate or 0, 3), round(found.whole.automatic or 0, 3)) == (
        14,
        0.833,
        0.917,
    )
    assert [(day.by, day.cases) for day in found.days] == [
        ((NOW - timedelta(days=ago, hours=1)).date().isoformat(), cases) for ago, cases in ((20, 4), (2, 5), (1, 5))
    ]
    assert {one.by: one.cases for one in found.suites} == {"bank": 1, "hotel": 13}
    assert {one.by: one.cases for one in found.languages} == {"de": 6, "en": 8}
    assert {one.by: one.cases for one in found.branches} == {"(none)": 9, "main": 5}
    assert [(one.name, one.flakiness, one.results) for one in found.flaky] == [("c0 en", 0.5, 3), ("c2 en", 1.0, 3)][
        ::-1
    ]
    only = records.figures(Scope(days=30, suite="hotel", language="de", branch="main"))
    assert only.whole == Tally("", 1, 0, 1, 0, 1, ttfa_p50_ms=1100, ttfa_p95_ms=1300)
    assert records.figures(Scope(days=30, branch="(none)")).whole.cases == 9
    assert records.figures(Scope(suite="nobody's")).whole == Tally("")


async def test_the_dashboard_says_the_same_to_programs_and_spreadsheets(house: House) -> None:
    kept(house.records, 3, "ppf", branch="=cmd|'/c calc'!A1")
    kept(house.records, 2, "ppF")
    answer = (await house.web.get("/api/v1/dashboard", params={"days": 7})).json()
    assert (answer["runs"], answer["whole"]["cases"], answer["backlog"] is not None) == (2, 6, True)
    table = (await house.web.get("/dashboard.csv", params={"days": 7})).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["cases"] for row in rows if row["group"] == "day"] == ["3", "3"]
    [branch] = [row["by"] for row in rows if row["by"].endswith("A1")]
    assert branch.startswith("'=")  # no formula
    assert (await house.web.get("/dashboard", params={"days": 0})).status_code == 422
    assert "<svg" in (await house.web.get("/dashboard")).text
    empty = await house.web.get("/dashboard", params={"suite": "<script>x</script>"})
    assert "No case has ended" in empty.text
    assert "<script>x" not in empty.text


def publish(store: S3Store, run_id: str, **outcomes: Outcome) -> None:
    """A finished run, as `publish_report` leaves it."""
    shelf = Shelf()
    cases = [result(shelf, name, outcome) for name, outcome in outcomes.items()]
    for key, body in shelf.objects.items():
        store.put(key, body, "x/y")
    done = report(*cases).model_copy(update={"run_id": run_id})
    store.put(run_key(run_id, "results.json"), done.model_dump_json().encode(), "application/json")


@needs_browser
async def test_two_runs_are_compared_side_by_side(house: House, tab: Page) -> None:
    before, after = kept(house.records, 2, "ppf", suite="s"), kept(house.records, 1, "fpp", suite="s")
    passed, failed = Outcome.PASSED, Outcome.FAILED
    publish(house.store, before, c0=passed, c1=passed, c2=failed)
    publish(house.store, after, c0=failed, c1=passed, c2=passed)
    found = (await house.web.get("/api/v1/compare", params={"before": before, "after": after})).json()
    assert ([one["case"] for one in found["worse"]], [one["case"] for one in found["better"]]) == (["c0"], ["c2"])
    assert (await house.web.get("/api/v1/compare", params={"before": before, "after": "no"})).status_code == 404
    await tab.goto(f"{house.address}/compare?after={after}")  # against the run before
    await expect(tab.locator("main")).to_contain_text(before)
    await expect(tab.locator(".compared").first).to_contain_text("c0")
    await expect(tab.locator("audio")).to_have_count(4)
    await picture(tab, "compare")
    assert "no earlier finished run" in (await house.web.get("/compare", params={"after": before})).text


async def test_suites_are_checked_pushed_and_read(house: House) -> None:
    web, yaml = house.web, {"content-type": "application/yaml"}
    wrong = SUITE.replace("contains", "contain")
    [mistake] = (await web.post("/api/v1/suites/check", content=wrong, headers=yaml)).json()["mistakes"]
    assert (mistake["line"], "did you mean `contains`" in mistake["message"]) == (5, True)
    refused = await web.post("/api/v1/suites", content=wrong, headers=yaml)
    assert (refused.status_code, "suite.yaml:5:" in refused.json()["detail"]) == (422, True)
    assert (await web.get("/api/v1/suites")).json() == []
    first = (await web.post("/api/v1/suites", content=SUITE, headers=yaml)).json()
    second = (await web.post("/api/v1/suites", content=SUITE + "# more\n", headers=yaml)).json()
    await web.post("/api/v1/suites", content=SUITE + "# more\n", headers=yaml)
    assert (await web.get("/api/v1/suites/hotel")).text == SUITE + "# more\n"
    assert (await web.get("/api/v1/suites/hotel", params={"version": first["version"][:10]})).text == SUITE
    versions = (await web.get("/api/v1/suites/hotel/versions")).json()
    assert [one["version"] for one in versions] == [second["version"], first["version"]]
    changed = (await web.get("/suites/hotel", params={"since": first["version"]})).text
    assert '<span class="added">+# more</span>' in changed
    assert (await web.get("/api/v1/suites/nobody")).status_code == 404
    assert (await web.get("/suites/hotel", params={"version": "0" * 12})).status_code == 404
    assert (await web.post("/api/v1/suites/check", content=b"\xff\xfe\x00", headers=yaml)).status_code == 422
    noisy = SUITE + "profiles: {street: {noise: {file: passwd.wav, snr_db: 10}}}\ndefaults: {profiles: [street]}\n"
    told = (await web.post("/api/v1/suites/check", content=noisy, headers=yaml)).json()["mistakes"]
    assert "not in the bucket" in told[0]["message"]
    house.store.delete(suite_version_key("hotel", first["version"]))
    assert (await web.get("/suites/hotel", params={"version": first["version"]})).status_code == 404


@needs_browser
async def test_a_suite_is_written_in_the_browser_and_checked_as_one_types(house: House, tab: Page) -> None:
    await tab.goto(f"{house.address}/suites")
    await expect(tab.locator("main")).to_contain_text("No suites yet")
    await tab.click("text=New suite")
    await expect(tab.locator("#said")).to_contain_text("no mistakes")
    await tab.fill("#text", SUITE.replace("say: Hello?", "sya: Hello?"))
    await expect(tab.locator("#said")).to_contain_text("did you mean `say`?")
    await picture(tab, "editor")
    await tab.click("main button.primary")  # it is refused, and nothing typed is lost
    await expect(tab.locator("#said")).to_contain_text("did you mean `say`?")
    assert "sya: Hello?" in await tab.input_value("#text")
    await tab.fill("#text", SUITE)
    await expect(tab.locator("#said")).to_contain_text("hotel: 1 case, no mistakes")
    await tab.click("main button.primary")
    await expect(tab).to_have_url(re.compile("/suites/hotel$"))
    await tab.click("text=Edit")
    assert await tab.input_value("#text") == SUITE
    await tab.fill("#text", SUITE.replace("Hello?", "Hello there?"))
    await tab.click("main button.primary")
    await tab.click("text=what changed")
    await expect(tab.locator(".added")).to_contain_text("Hello there?")
    await picture(tab, "suite")
    await tab.click("nav >> text=Suites")
    await expect(tab.locator("tbody tr")).to_have_count(1)
    await picture(tab, "suites")
    kept(house.records, 5, "pppf")
    kept(house.records, 3, "ppPf", ttfa_ms=700)
    kept(house.records, 1, "ppPp", branch="main", ttfa_ms=600)
    await tab.click("nav >> text=Dashboard")
    await expect(tab.locator("svg")).to_have_count(2)
    await picture(tab, "dashboard")
