"""The records: what runs, cases and defects came to, in SQL, where pages can count, filter and page through them.

Extra `records`. They are an index of the object store and never the truth: whatever is lost here is made again from
there by `voicewright records rebuild`. `models` are the tables, `migrations` how they came about, `queries` everything
that is asked of them.
"""

from voicewright.records.database import RecordsError, open_database
from voicewright.records.migrate import upgrade
from voicewright.records.queries import Records

__all__ = ["Records", "RecordsError", "open_database", "upgrade"]
