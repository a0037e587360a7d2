"""What the steps need of the records."""

from collections.abc import Iterable
from typing import Protocol

from voicewright.contracts.case import CaseKey
from voicewright.contracts.records import RecordRequest


class Recording(Protocol):
    """Notes what the object store holds already. A database that is away is nobody's trouble: it hears of it later.

    Raises `RPCError` where Temporal does not take what is to be noted later: the step is tried again then.
    """

    async def run(self, run_id: str) -> None:
        """Note what a run is about, and whether it has ended."""

    async def case(self, run_id: str, key: CaseKey) -> None:
        """Note a case that has ended or waits for a person."""

    async def defects(self, ids: Iterable[str]) -> None:
        """Note how defects stand."""

    def catch_up(self, request: RecordRequest) -> None:
        """Note what could not be noted before. Blocking. Raises what the database raises: trying again may help."""


class NoRecords:
    """For an installation without records."""

    async def run(self, run_id: str) -> None:
        """See `Recording`."""

    async def case(self, run_id: str, key: CaseKey) -> None:
        """See `Recording`."""

    async def defects(self, ids: Iterable[str]) -> None:
        """See `Recording`."""

    def catch_up(self, request: RecordRequest) -> None:
        """See `Recording`."""
