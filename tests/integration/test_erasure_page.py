"""Erasing from the web app: by those who may, with a receipt, and noted in the audit log."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from browsing import needs_browser, picture
from listening import listening
from playwright.async_api import Browser, expect
from pydantic import SecretStr
from serving import unique
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client
from temporalio.worker import Worker
from test_erasure import SAID, Store, failed, stored

from activities.steps.erase import EraseStep
from api.app import create_app
from api.services import Access, Services
from voicewright.client import Voicewright
from voicewright.client.queues import INTEGRATIONS, WORKFLOWS
from voicewright.contracts.access import AuditAction, Permission, Role, local_user
from voicewright.erasure.cases import Eraser
from voicewright.records import Records, upgrade
from voicewright.report.build import Links
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from workers.build import SANDBOX
from workflows.chores import Erase

PASSWORD = "correct horse battery"


@dataclass
class Office:
    """The web app with log-in, workers that erase, and a run of two cases in the store."""

    address: str
    access: Access
    store: S3Store
    run: str


@pytest.fixture
async def office(real: Client, database: Engine) -> AsyncIterator[Office]:
    upgrade(database)
    with S3Server() as server:
        settings = Settings(
            s3_endpoint_url=server.origin,
            s3_access_key_id="key",
            s3_secret_access_key=SecretStr("s"),
            web_url=None,
            retention_days=30,
        )
        store, access, run = S3Store(settings), Access.of(database), unique("run")
        store.ensure_bucket()
        shelf = Store()
        stored(shelf, failed(shelf, "a"), failed(shelf, "b"), run=run)
        for key, body in shelf.objects.items():
            store.put(key, body, "application/json")
        for role in Role:
            access.accounts.add(str(role), PASSWORD, role, local_user())

        async def connect() -> Services:
            return Services(settings, Voicewright(real), store, Records(database), access)

        step = EraseStep(store, Eraser(store, Links()), real)
        workflows = Worker(real, task_queue=WORKFLOWS, workflows=[Erase], workflow_runner=SANDBOX)
        async with (
            workflows,
            Worker(real, task_queue=INTEGRATIONS, activities=[step.erase]),
            listening(create_app(connect, (), ["127.0.0.1"])) as address,
        ):
            yield Office(address, access, store, run)


def said_in(office: Office) -> set[str]:
    """The cases of which something is left that was said."""
    keys = office.store.list_keys(f"runs/{office.run}/cases/")
    return {key.split("/")[3] for key in keys if SAID.encode() in office.store.get(key)}


async def test_a_program_erases_a_case_by_a_token_with_that_scope(office: Office) -> None:
    keys = {
        scope: office.access.tokens.make(str(scope), frozenset({scope}), 1, local_user())
        for scope in (Permission.ERASE, Permission.MANAGE)
    }
    asked = {"run_id": office.run, "cases": [f"{office.run}/a/en/1"], "reason": "asked by the caller"}
    async with httpx.AsyncClient(base_url=office.address, timeout=60, trust_env=False) as web:

        async def order(scope: Permission, body: Mapping[str, object]) -> httpx.Response:
            return await web.post("/api/v1/erasures", json=body, headers={"authorization": f"Bearer {keys[scope]}"})

        assert (await order(Permission.MANAGE, asked)).status_code == 403
        assert said_in(office) == {"a", "b"}
        receipt = (await order(Permission.ERASE, asked)).json()
        assert (receipt["cases"], receipt["by"], receipt["objects"]) == (asked["cases"], "erase #1", 3)
        assert said_in(office) == {"b"}
        for wrong in ({"run_id": "nobody"}, {"run_id": office.run, "cases": [f"{office.run}/x/en/1"]}):
            refused = await order(Permission.ERASE, wrong)
            assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")
    noted = [one for one in office.access.audit.everything() if one.action is AuditAction.CASES_ERASED]
    assert [(one.actor, one.subject, one.detail) for one in noted] == [("erase #1", office.run, f"{office.run}/a/en/1")]


@needs_browser
async def test_an_admin_erases_a_run_and_is_shown_the_receipt(office: Office, browser: Browser) -> None:
    context = await browser.new_context()
    tab = await context.new_page()
    await tab.goto(f"{office.address}/erasure")
    await tab.fill("[name=name]", "admin")
    await tab.fill("[name=password]", PASSWORD)
    await tab.click("main button")
    await expect(tab.locator("main")).to_contain_text("Calls older than 30 days are erased by themselves")
    await picture(tab, "erasure")
    await tab.fill("[name=run_id]", "run-of-nobody")
    await tab.click("text=Erase for good")
    await expect(tab.locator(".notice")).to_contain_text("nothing of a run 'run-of-nobody' is stored")
    await tab.fill("[name=run_id]", office.run)
    await tab.fill("[name=reason]", "<b>asked</b>")
    await tab.click("text=Erase for good")
    await expect(tab.locator("#receipt")).to_contain_text(f"2 cases of {office.run} erased, 6 objects removed")
    await picture(tab, "erasure-receipt")
    assert said_in(office) == set()
    await tab.goto(f"{office.address}/audit")
    await expect(tab.locator("#audit")).to_contain_text("cases erased")
    await tab.goto(f"{office.address}/report/{office.run}#{office.run}/a/en/1")
    await expect(tab.locator("body")).to_contain_text("The recording and all words of this call were erased on")
    await picture(tab, "erased-case")
    await context.close()
