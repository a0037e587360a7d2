"""Brings the tables of a database to this version, once, however many processes try at the same time."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, text

from voicewright.records.database import RecordsError, make_file, reading, shown, writing
from voicewright.records.models import Base

_LOCK = 0x766F696365
"""Of PostgreSQL's advisory locks: ours. On SQLite a transaction that writes is alone anyway."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision: all the way, or not at all. Nothing happens where they are there already.

    Args:
        engine: the database.
        revision: the revision; by default the newest.

    Raises:
        RecordsError: the database cannot be reached, or its tables were made by a later version.
    """
    make_file(engine)
    if current(engine) == (_scripts().get_current_head() if revision == "head" else revision):
        return
    config = _config()
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise RecordsError(
                f"the tables in {shown(engine)} were made by a later version of Voicewright ({error}): run that version"
            ) from error


def current(engine: Engine) -> str | None:
    """The revision of the tables; None where there are none.

    Raises:
        RecordsError: the database cannot be reached.
    """
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def revisions() -> list[str]:
    """All revisions, the oldest first."""
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


def differences(engine: Engine) -> list[object]:
    """What the tables lack of the models, or have besides; empty where they agree.

    Raises:
        RecordsError: the database cannot be reached.
    """
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
