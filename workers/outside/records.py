"""The records of an installation: their database from settings, and its tables brought to this version."""

import asyncio
import logging

from sqlalchemy import Engine
from temporalio.client import Client

from activities.errors import InstallationError
from activities.recording import LiveRecords
from voicewright.records import Records, RecordsError, open_database, upgrade
from voicewright.report.recording import Recorder
from voicewright.settings import Settings
from voicewright.store.port import Reader

_log = logging.getLogger("workers")
_BETWEEN_S = 10.0


def live_records(client: Client, settings: Settings, store: Reader) -> LiveRecords:
    """What the steps write to.

    Raises:
        InstallationError: the settings name no database that could hold them.
    """
    return LiveRecords(Recorder(store, Records(_engine(settings))), client)


async def bring_up_to_date(settings: Settings) -> asyncio.Task[None] | None:
    """Bring the tables to this version, once, however many workers start.

    Returns:
        None when that is done. Where the database is away, the task that goes on trying: a worker starts without it,
        and what is to be recorded waits in Temporal meanwhile.

    Raises:
        InstallationError: the settings name no database that could hold them.
    """
    engine = _engine(settings)
    return None if await _upgraded(engine) else asyncio.create_task(_keep_trying(engine))


def _engine(settings: Settings) -> Engine:
    try:
        return open_database(settings.records_url, settings.records_password)
    except RecordsError as error:
        raise InstallationError(str(error)) from None


async def _keep_trying(engine: Engine) -> None:
    while True:
        await asyncio.sleep(_BETWEEN_S)
        if await _upgraded(engine):
            return


async def _upgraded(engine: Engine) -> bool:
    try:
        await asyncio.to_thread(upgrade, engine)
    except RecordsError as error:
        _log.warning("the records are not ready: %s", error)
        return False
    engine.dispose()
    return True
