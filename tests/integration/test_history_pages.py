"""The list of runs and the history of a suite, as the web app shows them from the records."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import invented_records as invented
import pytest
from pydantic import SecretStr
from serving import dev_server
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client

from api.app import create_app
from api.services import Services
from voicewright.client import Voicewright
from voicewright.client.queues import WORKFLOWS
from voicewright.client.search_attributes import RUN_TYPE
from voicewright.contracts.case import Outcome
from voicewright.contracts.run import RunFacts
from voicewright.records import Records, open_database, upgrade
from voicewright.settings import Settings
from voicewright.store.keys import run_key
from voicewright.store.s3 import S3Store

RUNS = 60


@pytest.fixture
def server() -> S3Server:
    return S3Server()


@pytest.fixture
async def services(server: S3Server, database: Engine, real: Client) -> AsyncIterator[Services]:
    with server:
        settings = Settings(
            s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
        )
        yield Services(settings, Voicewright(real), S3Store(settings), Records(database))


@pytest.fixture
async def web(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async def connect() -> Services:
        return services

    app = create_app(connect, (), ["*"])
    app.state.services = services
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web") as client:
        yield client


@pytest.fixture
def filled(database: Engine) -> Records:
    upgrade(database)
    records = Records(database)
    for number in range(RUNS):
        run = invented.run(number, ended=number != RUNS - 1)
        records.record_run(run)
        records.record_cases(list(invented.cases(run)))
    return records


def listed(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return [unescape(name) for name in re.findall(r'href="/runs/[^"]*">(run-[^<]*)</a>', page.text)]


async def test_runs_that_temporal_never_heard_of_are_listed_in_pages(web: httpx.AsyncClient, filled: Records) -> None:
    seen, path = [], "/runs"
    while path:
        page = await web.get(path)
        seen += listed(page)
        older = re.search(r'href="([^"]*)" rel="next"', page.text)
        path = unescape(older[1]) if older is not None else ""
    ours = [invented.run(number) for number in range(RUNS)]
    newest_first = [run.run_id for run in sorted(ours, key=lambda run: (run.started_at, run.run_id), reverse=True)]
    assert [run for run in seen if re.fullmatch(r"run-.*-\d{5}", run)] == newest_first


async def test_a_row_tells_what_came_of_a_run(web: httpx.AsyncClient, filled: Records) -> None:
    page = await web.get("/runs", params={"suite": "clinic"})
    line = filled.runs(suite="clinic").lines[0]
    row = page.text.split("<tbody>")[1].split("</tr>")[0]
    for outcome, count in line.counts.items():
        assert f'<span class="pill {outcome}">{count} {outcome}</span>' in row
    assert line.run.agent in row
    assert "1 min" in row or "2 min" in row


async def test_filters_hold_on_every_page(web: httpx.AsyncClient, filled: Records) -> None:
    wanted = {"suite": "Zürich 🏦", "outcome": "failed"}
    page = await web.get("/runs", params=wanted)
    expected = [line.run.run_id for line in filled.runs(suite="Zürich 🏦", outcome=Outcome.FAILED).lines]
    assert listed(page) == expected
    waiting = [line.run.run_id for line in filled.runs(waiting=True, limit=50).lines]
    page = await web.get("/runs", params={"outcome": "review"})
    assert listed(page) == waiting
    page = await web.get("/runs", params={"outcome": "passed"})
    assert "before=" in page.text
    assert "outcome=passed" in page.text.split('rel="next"')[0].rpartition("href=")[2]
    assert (await web.get("/runs", params={"suite": "nobody's"})).text.count("No such runs") == 1


@pytest.mark.parametrize(("field", "value", "status"), [("outcome", "x", 422), ("before", "x", 400)])
async def test_what_nobody_offered_is_refused(
    web: httpx.AsyncClient, filled: Records, field: str, value: str, status: int
) -> None:
    assert (await web.get("/runs", params={field: value})).status_code == status


async def test_a_run_that_is_not_recorded_is_listed_as_temporal_knows_it(
    web: httpx.AsyncClient, filled: Records, real: Client
) -> None:
    name = "run-unrecorded"
    await real.start_workflow(RUN_TYPE, {"suite": "x"}, id=name, task_queue=f"{WORKFLOWS}-nobody")
    try:
        while name not in (found := listed(await web.get("/"))):
            await asyncio.sleep(0.05)
        assert found[0] == name
        assert name not in listed(await web.get("/runs", params={"suite": "clinic"}))
    finally:
        await real.get_workflow_handle(name).terminate()


async def test_without_a_database_the_page_says_so_and_shows_what_temporal_knows(
    web: httpx.AsyncClient, services: Services
) -> None:
    page = await web.get("/runs")
    assert page.status_code == 200
    assert "integrations" in page.text
    assert "Temporal still knows" in page.text
    assert (await web.get("/history")).status_code == 503


async def test_without_temporal_the_records_are_shown(server: S3Server, filled: Records, services: Services) -> None:
    async with dev_server() as client:
        away = Voicewright(client)  # which was there when the web app started
    app = create_app(lambda: None, (), ["*"])  # type: ignore[arg-type, return-value]
    app.state.services = Services(services.settings, away, services.store, filled)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web", timeout=60) as client:
        page = await client.get("/runs")
    assert "Temporal does not answer" in page.text
    assert len(listed(page)) == 50


async def test_a_run_that_temporal_has_forgotten_is_shown_from_the_store(
    web: httpx.AsyncClient, services: Services
) -> None:
    run = invented.run(0)
    facts = RunFacts(
        run_id=run.run_id, suite=run.suite, agent="sip sip:x@y", total=7, started_at=run.started_at.isoformat()
    )
    services.store.put(run_key(run.run_id, "run.json"), facts.model_dump_json().encode(), "application/json")
    page = await web.get(f"/runs/{run.run_id}")
    assert page.status_code == 200
    assert "sip:x@y" in page.text
    assert (await web.get("/runs/nobody")).status_code == 404


async def test_the_history_is_a_grid_of_labelled_squares_that_lead_to_the_case(
    web: httpx.AsyncClient, filled: Records
) -> None:
    page = await web.get("/history", params={"suite": "clinic"})
    history = filled.history("clinic")
    assert len(history.runs) == 20
    squares = re.findall(r'<a class="square (\w+)" href="([^"]*)" title="[^"]*">([^<]*)</a>', page.text)
    assert len(squares) == sum(square is not None for case in history.cases for square in case.squares)
    first = next(square for case in history.cases for square in case.squares[::-1] if square is not None)
    kind, link, label = squares[0]
    assert kind == label == (first.worst.outcome or "review")
    assert first.worst.workflow_id in link
    flaky = [case.flakiness for case in history.cases if case.flakiness]
    assert f"{flaky[0] * 100:.0f} %" in page.text
    assert "no run of a suite" in (await web.get("/history", params={"suite": "<b>"})).text
    assert "<b>" not in (await web.get("/history", params={"suite": "<b>"})).text.split("<main>")[1]


def test_a_database_can_be_opened_before_it_is_there(database_url: str) -> None:
    open_database(database_url).dispose()
