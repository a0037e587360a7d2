"""The pages of accounts in a browser: logging in, an account for somebody, a token, the audit log, logging out."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from browsing import needs_browser, picture
from listening import listening
from playwright.async_api import Page, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from standins.s3_server import S3Server
from temporalio.client import Client

from api.app import create_app
from api.services import Access, Services
from voicewright.client import Voicewright
from voicewright.contracts.access import Role, local_user
from voicewright.records import Records, open_database, upgrade
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

pytestmark = needs_browser
PASSWORD = "correct horse battery"


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
async def address(server: S3Server, tmp_path: Path, real: Client) -> AsyncIterator[str]:
    database: Engine = open_database(f"sqlite:///{tmp_path}/records.db")
    upgrade(database)
    access = Access.of(database)
    access.accounts.add("ada", PASSWORD, Role.ADMIN, local_user())
    settings = Settings(
        s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
    )

    async def connect() -> Services:
        return Services(settings, Voicewright(real), S3Store(settings), Records(database), access)

    async with listening(create_app(connect, (), ["127.0.0.1"])) as url:
        yield url


async def log_in(tab: Page, name: str, password: str) -> None:
    await tab.fill("[name=name]", name)
    await tab.fill("[name=password]", password)
    await tab.click("main button")


async def test_from_the_first_log_in_to_the_last(address: str, tab: Page) -> None:
    await tab.goto(f"{address}/history?suite=x")
    await expect(tab).to_have_url(re.compile("/log-in"))
    await log_in(tab, "ada", "wrong")
    await expect(tab.get_by_role("alert")).to_contain_text("the name or the password is wrong")
    await picture(tab, "log-in")
    await log_in(tab, "ada", PASSWORD)
    await expect(tab).to_have_url(f"{address}/history?suite=x")

    await tab.click("nav >> text=Accounts")
    await tab.fill("form.sheet [name=name]", "Ben")
    await tab.select_option("form.sheet [name=role]", "viewer")
    await tab.click("form.sheet button")
    password = await tab.inner_text("#secret")
    await expect(tab.locator("tbody tr", has_text="ben")).to_have_count(1)
    await picture(tab, "accounts")

    await tab.click("nav >> text=Tokens")
    await tab.fill("[name=name]", "CI of my-agent")
    await tab.click("form.sheet button")
    await expect(tab.locator("#secret")).to_contain_text("vwt_")
    await picture(tab, "tokens")
    await tab.click("text=Revoke")
    await expect(tab.locator("tbody")).to_contain_text("revoked")

    await tab.click("nav >> text=Audit")
    await tab.select_option("[name=action]", "account_added")
    await tab.click("main button")
    await expect(tab.locator("#audit tbody tr")).to_have_count(2)
    await tab.select_option("[name=action]", "")
    await tab.click("main button")
    await expect(tab.locator("#audit tbody tr")).to_have_count(6)
    await picture(tab, "audit")

    await tab.click("text=Log out")
    await expect(tab).to_have_url(f"{address}/log-in")
    await tab.go_back()  # a browser shows nothing that it kept
    await tab.reload()
    await expect(tab).to_have_url(re.compile("/log-in"))

    await log_in(tab, "ben", password)
    await expect(tab.locator("nav")).to_contain_text("ben")
    await expect(tab.locator("nav >> text=Accounts")).to_have_count(0)
    await tab.goto(f"{address}/accounts")
    await expect(tab.locator("main")).to_contain_text("this needs the role admin")
    await picture(tab, "forbidden")
    await tab.click("nav >> text=ben")
    await tab.fill("[name=old]", password)
    await tab.fill("[name=new]", "another good password")
    await picture(tab, "account")
    await tab.click("main button")
    await expect(tab.get_by_role("status")).to_contain_text("Changed")
    await tab.click("text=log in")
    await log_in(tab, "ben", "another good password")
    await expect(tab.locator("nav")).to_contain_text("ben")
