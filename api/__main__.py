"""`python -m api`: the web app, until it is told to stop."""

import argparse
import asyncio
import logging

import uvicorn

from api.app import create_app
from api.rules import Rule, RulesError, read_rules
from api.services import Services
from voicewright.client import Voicewright
from voicewright.leave import leave
from voicewright.logs import settings_with_logs
from voicewright.s3 import S3Store

_log = logging.getLogger("voicewright.web")


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Serve the review form, run pages, defects, webhooks and metrics. It has no log-in: leave it on "
        "this machine, or put it behind a proxy that has one. Settings come from VOICEWRIGHT_*.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    given = parser.parse_args(arguments)
    settings = settings_with_logs()
    if settings is None:
        return 2
    try:
        rules: tuple[Rule, ...] = read_rules(settings.github_rules) if settings.github_rules is not None else ()
    except RulesError as error:
        _log.error("%s", error)
        return 2

    async def connect() -> Services:
        voicewright = await Voicewright.connect_patiently(settings)
        store = S3Store(settings)
        await asyncio.to_thread(store.ensure_bucket)
        return Services(settings, voicewright, store)

    hosts = [name.strip() for name in settings.web_hosts.split(",") if name.strip()]
    app = create_app(connect, rules, hosts)
    config = uvicorn.Config(
        app, host=given.host, port=given.port, log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 3


if __name__ == "__main__":
    leave(main())
