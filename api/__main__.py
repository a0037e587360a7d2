"""`python -m api`: the web app, until it is told to stop."""

import argparse
import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from sqlalchemy import Engine

from api.app import create_app
from api.guard.limits import MAX_CONNECTIONS, PunctualProtocol
from api.guard.oidc import SettingsMissingError
from api.rules import Rule, RulesError, read_rules
from api.services import Access, Services
from voicewright.accounts.accounts import FIRST
from voicewright.client import Voicewright
from voicewright.client.connect import UnreachableError, patiently
from voicewright.records import Records, RecordsError, open_database, upgrade
from voicewright.runtime.exit import leave
from voicewright.runtime.logs import settings_with_logs
from voicewright.runtime.traces import TracingError
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store
from voicewright.suite.format.address import is_loopback

_THREADS = 64
_STORE_S = 8.0
"""For which the store may be silent: both tries end before a request's time does."""
_LAST_ANSWERS_S = 5
"""For answers that go on when the app is told to stop: pages that follow a run would hold it up for as long."""
_log = logging.getLogger("voicewright.web")


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Serve the review form, run pages, defects, webhooks and metrics. Settings come from "
        "VOICEWRIGHT_*. The first start adds the account `admin` and prints its password once.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    parser.add_argument(
        "--no-log-in",
        action="store_true",
        help="let everybody on this machine in, as an admin; only where --host is this machine",
    )
    given = parser.parse_args(arguments)
    if given.no_log_in and not is_loopback(given.host):
        parser.error(f"--no-log-in: {given.host} can be reached from elsewhere; listen on 127.0.0.1, or ask for log-in")
    settings = settings_with_logs()
    if settings is None:
        return 2
    try:
        rules: tuple[Rule, ...] = read_rules(settings.github_rules) if settings.github_rules is not None else ()
    except RulesError as error:
        _log.error("%s", error)
        return 2
    try:
        return asyncio.run(_serve(settings, given.host, given.port, rules, log_in=not given.no_log_in))
    except KeyboardInterrupt:
        return 130
    except SettingsMissingError as error:
        _log.error("%s", error)
        return 2
    except (UnreachableError, RecordsError, StoreError, TracingError) as error:
        _log.error("%s", error)
        return 3


async def _serve(settings: Settings, host: str, port: int, rules: tuple[Rule, ...], *, log_in: bool) -> int:
    """Wait for the servers behind the app, then serve."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    voicewright = await Voicewright.connect_patiently(settings)
    store = S3Store(settings, answer_s=_STORE_S, tries=2)
    await patiently("the object store", lambda: asyncio.to_thread(store.ensure_bucket))

    database = open_database(settings.records_url, settings.records_password)
    access: Access | None = None
    if log_in:
        access = await patiently("the database", lambda: asyncio.to_thread(_access, database), away=(RecordsError,))

    services = Services(settings, voicewright, store, Records(database), access)
    if services.provider is not None:
        _log.info("people may log in at %s too", services.provider.issuer)

    async def connect() -> Services:
        return services

    hosts = [name.strip() for name in settings.web_hosts.split(",") if name.strip()]
    app = create_app(connect, rules, hosts)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PunctualProtocol,
        limit_concurrency=MAX_CONNECTIONS,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    server = uvicorn.Server(config)
    await server.serve()
    return 0 if server.started else 3


def _access(database: Engine) -> Access:
    """The accounts, with a first one where there was none.

    Raises:
        RecordsError: the database cannot be reached.
    """
    upgrade(database)
    access = Access.of(database)
    if (password := access.accounts.make_first()) is not None:
        print(f"The first account is {FIRST!r}; its password, shown this once: {password}", flush=True)  # noqa: T201
    return access


if __name__ == "__main__":
    leave(main())
