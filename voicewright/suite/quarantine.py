"""Which cases of a suite are in quarantine, who put them there, and until when. Stored beside the suite's versions.

Runs read it once, when they are planned: what is changed later holds for later runs.
"""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from voicewright.contracts.quarantine import MOST_CASES, MOST_DAYS, Quarantine, Quarantines
from voicewright.store.keys import quarantine_key
from voicewright.store.ledger import change
from voicewright.store.port import Reader, RecordStore
from voicewright.suite.library import resolve, text_of
from voicewright.suite.reading.file import SuiteError, parse_suite


class QuarantineError(Exception):
    """A case cannot be put into quarantine, or taken out of it; the message says why and what to do."""


def quarantined(store: Reader, suite: str) -> tuple[Quarantine, ...]:
    """Every quarantine of a suite, by case; also those whose last day is over."""
    raw = store.get_if_present(quarantine_key(suite))
    return Quarantines.model_validate_json(raw).cases if raw is not None else ()


def held_back(store: Reader, suite: str) -> tuple[str, ...]:
    """Ids of the cases that gate nothing today."""
    return tuple(one.case for one in quarantined(store, suite) if one.holds())


def for_case(store: RecordStore, suite: str, case: str, *, owner: str, reason: str, days: int, by: str) -> Quarantine:
    """A quarantine for a case of the newest version of a suite, checked and not yet stored. Blocking.

    Args:
        store: where suites are.
        suite: its name.
        case: the case's id.
        owner: who sees to it that it leaves quarantine.
        reason: why.
        days: how long, the present day not counted.
        by: who says so.

    Raises:
        QuarantineError: there is no such suite or case, or something is missing.
        StoreError: the object store failed.
    """
    if not owner.strip() or not reason.strip():
        missing = "an owner, who sees to it that it leaves again" if not owner.strip() else "a reason"
        raise QuarantineError(f"a quarantine needs {missing}")
    if not 1 <= days <= MOST_DAYS:
        raise QuarantineError(f"a quarantine lasts 1 to {MOST_DAYS} days; it can be renewed")
    try:
        text = text_of(store, resolve(store, suite))
        known = [one.id for one in parse_suite(text.encode(), suite).cases]
    except KeyError as error:
        raise QuarantineError(str(error.args[0])) from None
    except SuiteError as error:
        raise QuarantineError(f"the newest version of {suite} cannot be read: {error}") from None
    if case not in known:
        close = get_close_matches(case, known, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise QuarantineError(f"{suite} has no case {case!r}{hint}")
    now = datetime.now(UTC)
    until = now.date() + timedelta(days=days)
    return Quarantine(case=case, owner=owner.strip(), reason=reason.strip(), until=until, by=by, since=now)


def put_in(store: RecordStore, suite: str, new: Quarantine) -> None:
    """Store a quarantine, in place of what was said of its case before. Blocking.

    Raises:
        QuarantineError: too many cases of the suite are in quarantine.
        StoreError: the object store failed.
    """

    def edit(before: Quarantines | None) -> Quarantines:
        others = [one for one in before.cases if one.case != new.case] if before is not None else []
        if len(others) >= MOST_CASES:
            raise QuarantineError(f"{MOST_CASES} cases of {suite} are in quarantine already: take some out first")
        return Quarantines(cases=tuple(sorted([*others, new], key=lambda one: one.case)))

    change(store, quarantine_key(suite), Quarantines, edit)


def take_out(store: RecordStore, suite: str, case: str) -> Quarantine:
    """Take a case out of quarantine; returns how it was in it. Blocking.

    Raises:
        QuarantineError: it is not in it.
        StoreError: the object store failed.
    """
    taken: list[Quarantine] = []

    def edit(before: Quarantines | None) -> Quarantines | None:
        found = [one for one in before.cases if one.case == case] if before is not None else []
        if before is None or not found:
            return None
        taken[:] = found
        return Quarantines(cases=tuple(one for one in before.cases if one.case != case))

    change(store, quarantine_key(suite), Quarantines, edit)
    if not taken:
        raise QuarantineError(f"no case {case!r} of {suite} is in quarantine")
    return taken[0]
