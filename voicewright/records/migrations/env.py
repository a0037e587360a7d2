"""Alembic's entry: runs migrations in the transaction that `voicewright/records/migrate.py` has begun."""

from alembic import context

from voicewright.records.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
