"""Accounts, sessions, tokens and the audit log, on each kind of database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, literal_column, select, text
from sqlalchemy import table as named

from voicewright.accounts import (
    AccountError,
    Accounts,
    AuditLog,
    Sessions,
    ThrottledError,
    Tokens,
    WrongPasswordError,
    attempts,
    secrets,
)
from voicewright.accounts.sessions import IDLE, LASTS
from voicewright.accounts.tokens import PREFIX
from voicewright.contracts.access import ActorKind, AuditAction, Identity, Permission, Role, local_user
from voicewright.records import Records, RecordsError, open_database, upgrade

ME = local_user("10.0.0.1")
PASSWORD = "correct horse battery"
ADDRESS = "10.1.2.3"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Engine) -> Accounts:
    upgrade(database)
    made = Accounts(database)
    made.add("Ann", PASSWORD, Role.VALIDATOR, ME)
    made.add("root", PASSWORD, Role.ADMIN, ME)
    return made


@pytest.fixture
def sessions(accounts: Accounts, database: Engine, clock: Clock) -> Sessions:
    return Sessions(database, now=clock)


@pytest.fixture
def tokens(accounts: Accounts, database: Engine, clock: Clock) -> Tokens:
    return Tokens(database, now=clock)


def actions(database: Engine) -> list[AuditAction]:
    return [entry.action for entry in AuditLog(database).everything()]


def test_the_first_account_is_made_once_however_many_web_apps_start(database: Engine) -> None:
    upgrade(database)
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: Accounts(database).make_first(), range(6)))
    [password] = [one for one in told if one is not None]
    who = Sessions(database).whose(Sessions(database).log_in("admin", password, ADDRESS))
    assert who is not None
    assert who.may(Permission.ADMINISTER)


def test_a_name_is_one_account_in_any_case_and_odd_ones_are_refused(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="already"):
        accounts.add(" ANN ", PASSWORD, Role.VIEWER, ME)
    for name in ("", "ann smith", "-ann", "ä", "a" * 81, "ann\n", "<b>"):
        with pytest.raises(AccountError, match="a name has"):
            accounts.add(f"{name}x" if name.endswith("\n") else name, PASSWORD, Role.VIEWER, ME)
    with pytest.raises(AccountError, match="12 to 200"):
        accounts.add("bob", "short", Role.VIEWER, ME)
    assert [one.name for one in accounts.all()] == ["ann", "root"]


def test_a_session_lasts_until_it_is_old_idle_or_ended(sessions: Sessions, clock: Clock) -> None:
    secret = sessions.log_in("ANN", PASSWORD, ADDRESS)
    who = sessions.whose(secret)
    assert who is not None
    assert (who.name, who.role, sorted(who.permissions)) == (
        "ann",
        Role.VALIDATOR,
        [Permission.DECIDE, Permission.VIEW],
    )
    for _ in range(11):  # each hour a request
        clock.on(timedelta(hours=1))
        assert sessions.whose(secret) is not None
    clock.on(LASTS - timedelta(hours=11) + timedelta(seconds=1))
    assert sessions.whose(secret) is None
    idle = sessions.log_in("ann", PASSWORD, ADDRESS)
    clock.on(IDLE + timedelta(seconds=1))
    assert sessions.whose(idle) is None
    ended = sessions.log_in("ann", PASSWORD, ADDRESS)
    sessions.end(ended, who)
    assert sessions.whose(ended) is None
    assert sessions.whose("") is None


def test_a_closed_account_a_new_password_and_a_new_role_hold_from_the_next_request_on(
    accounts: Accounts, sessions: Sessions
) -> None:
    first, second = (sessions.log_in("ann", PASSWORD, ADDRESS) for _ in range(2))
    accounts.set_role("ann", Role.VIEWER, ME)
    who = sessions.whose(first)
    assert who is not None
    assert not who.may(Permission.DECIDE)
    accounts.set_password("ann", "another good password", ME)
    assert (sessions.whose(first), sessions.whose(second)) == (None, None)
    third = sessions.log_in("ann", "another good password", ADDRESS)
    accounts.set_closed("ann", True, ME)
    assert sessions.whose(third) is None
    with pytest.raises(WrongPasswordError):
        sessions.log_in("ann", "another good password", ADDRESS)
    accounts.set_closed("ann", False, ME)
    assert sessions.log_in("ann", "another good password", ADDRESS)


def test_the_last_admin_stays(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="last admin"):
        accounts.set_role("root", Role.VIEWER, ME)
    with pytest.raises(AccountError, match="last admin"):
        accounts.set_closed("root", True, ME)
    accounts.set_closed("ann", True, ME)
    accounts.set_role("ann", Role.ADMIN, ME)
    with pytest.raises(AccountError, match="last admin"):  # a closed one is none
        accounts.set_closed("root", True, ME)
    assert [(one.name, one.role, one.closed) for one in accounts.all()] == [
        ("ann", Role.ADMIN, True),
        ("root", Role.ADMIN, False),
    ]


def test_guessing_becomes_slow_and_locks_nobody_else_out(
    sessions: Sessions, clock: Clock, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        with pytest.raises(WrongPasswordError):
            sessions.log_in("ann", "wrong", ADDRESS)
    with pytest.raises(ThrottledError) as caught:  # the right password too: whoever guesses learns nothing
        sessions.log_in("ann", PASSWORD, ADDRESS)
    assert sessions.log_in("ann", PASSWORD, "10.0.0.99")  # from elsewhere: nobody is locked out by a few guesses
    assert sessions.log_in("root", PASSWORD, ADDRESS)
    clock.on(timedelta(seconds=caught.value.retry_after_s))
    assert sessions.log_in("ann", PASSWORD, ADDRESS)
    assert sessions.log_in("ann", PASSWORD, ADDRESS)  # counted anew
    monkeypatch.setattr(attempts, "_FREE_SPREAD", 3)
    for number in range(3):
        with pytest.raises(WrongPasswordError):
            sessions.log_in(f"nobody{number}", "wrong", "10.9.9.9")
    with pytest.raises(ThrottledError):
        sessions.log_in("root", PASSWORD, "10.9.9.9")
    assert "nobody" not in str(dump(database, "audit") + dump(database, "log_in_attempts"))


def test_guesses_at_once_are_no_more_guesses(sessions: Sessions) -> None:
    def guess(_: int) -> type[Exception]:
        try:
            sessions.log_in("ann", "wrong", ADDRESS)
        except AccountError as error:
            return type(error)
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(guess, range(12)))
    assert (told.count(WrongPasswordError), told.count(ThrottledError)) == (5, 7)


def test_a_log_in_that_is_under_way_does_not_survive_a_new_password(
    accounts: Accounts, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = secrets.verified

    def meanwhile(password: str, kept: str | None) -> tuple[bool, str | None]:
        found = verified(password, kept)
        accounts.set_password("ann", "another good password", ME)
        return found

    monkeypatch.setattr(secrets, "verified", meanwhile)
    with pytest.raises(WrongPasswordError):
        sessions.log_in("ann", PASSWORD, ADDRESS)


def test_a_token_does_no_more_than_its_maker_may_now(accounts: Accounts, sessions: Sessions, tokens: Tokens) -> None:
    maker = sessions.whose(sessions.log_in("ann", PASSWORD, ADDRESS))
    assert maker is not None
    key = tokens.make("CI", frozenset({Permission.VIEW, Permission.DECIDE}), 30, maker)
    accounts.set_role("ann", Role.VIEWER, ME)
    who = tokens.whose(key)
    assert who is not None
    assert list(who.permissions) == [Permission.VIEW]
    accounts.set_closed("ann", True, ME)
    assert tokens.whose(key) is None
    accounts.set_closed("ann", False, ME)
    assert tokens.whose(key) is not None
    with pytest.raises(AccountError, match="cannot make"):
        tokens.make("more", frozenset({Permission.VIEW}), 30, who)
    with pytest.raises(AccountError, match="cannot revoke"):
        tokens.revoke(tokens.all()[0].number, who)
    other = Identity(name="root", kind=ActorKind.PERSON, permissions=frozenset({Permission.VIEW}))
    with pytest.raises(AccountError, match="was made by ann"):
        tokens.revoke(tokens.all()[0].number, other)
    tokens.revoke(tokens.all()[0].number, maker)
    assert tokens.whose(key) is None


def test_a_token_does_what_its_scopes_say_until_it_ends(tokens: Tokens, clock: Clock) -> None:
    maker = Identity(name="lead", kind=ME.kind, permissions=frozenset({Permission.VIEW, Permission.RUN}))
    key = tokens.make("CI", frozenset({Permission.RUN}), 30, maker)
    assert key.startswith(PREFIX)
    who = tokens.whose(key)
    assert who is not None
    assert (who.name, list(who.permissions)) == (f"CI #{tokens.all()[0].number}", [Permission.RUN])
    assert tokens.all()[0].used_at == clock.now
    clock.on(timedelta(days=30))
    assert tokens.whose(key) is None
    other = tokens.make("other", frozenset({Permission.VIEW}), 1, maker)
    tokens.revoke(tokens.all()[0].number, ME)
    assert tokens.whose(other) is None
    assert (tokens.whose("vwt_x"), tokens.whose(""), tokens.whose("x" * 200)) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "told"),
    [
        ("", {Permission.VIEW}, 1, "name"),
        ("x" * 81, {Permission.VIEW}, 1, "name"),
        ("x", set(), 1, "scopes"),
        ("x", {Permission.DECIDE}, 1, "no more than you may"),
        ("x", {Permission.VIEW}, 0, "days"),
        ("x", {Permission.VIEW}, 367, "days"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    tokens: Tokens, name: str, scopes: set[Permission], days: int, told: str
) -> None:
    maker = Identity(name="lead", kind=ME.kind, permissions=frozenset({Permission.VIEW, Permission.RUN}))
    with pytest.raises(AccountError, match=told):
        tokens.make(name, frozenset(scopes), days, maker)
    with pytest.raises(AccountError, match="never administer"):
        tokens.make("x", frozenset({Permission.ADMINISTER}), 1, ME)
    assert tokens.all() == []


def test_the_audit_log_tells_of_each_change_and_cannot_be_changed(
    accounts: Accounts, sessions: Sessions, tokens: Tokens, database: Engine
) -> None:
    secret = sessions.log_in("ann", PASSWORD, ADDRESS)
    who = sessions.whose(secret, ADDRESS)
    assert who is not None
    sessions.end(secret, who)
    with pytest.raises(WrongPasswordError):
        sessions.log_in("ann", "wrong", ADDRESS)
    tokens.make("CI", frozenset({Permission.VIEW}), 1, ME)
    assert actions(database)[::-1] == [
        AuditAction.ACCOUNT_ADDED,
        AuditAction.ACCOUNT_ADDED,
        AuditAction.LOGGED_IN,
        AuditAction.LOGGED_OUT,
        AuditAction.LOG_IN_REFUSED,
        AuditAction.TOKEN_MADE,
    ]
    log = AuditLog(database)
    assert [entry.subject for entry in log.entries(action=AuditAction.ACCOUNT_ADDED)] == ["root", "ann"]
    assert [entry.address for entry in log.entries(actor="ann")] == [ADDRESS] * 3
    second = log.entries(limit=1, before=log.entries(limit=1)[0].number)
    assert second[0].action is AuditAction.LOG_IN_REFUSED
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only ever appended to"), database.begin() as connection:
            connection.execute(text(statement))
    assert len(actions(database)) == 6


def test_secrets_are_kept_as_digests_alone_and_survive_a_rebuild(
    accounts: Accounts, sessions: Sessions, tokens: Tokens, database: Engine
) -> None:
    secret, key = sessions.log_in("ann", PASSWORD, ADDRESS), tokens.make("CI", frozenset({Permission.VIEW}), 1, ME)
    kept = "".join(dump(database, table) for table in ("accounts", "sessions", "tokens", "audit", "log_in_attempts"))
    assert "$argon2id$" in kept
    for clear in (PASSWORD, secret, key):
        assert clear not in kept
    Records(database).forget(runs=["all"], cases=["all"])
    assert sessions.whose(secret) is not None


def dump(database: Engine, table: str) -> str:
    with database.connect() as connection:
        return str(connection.execute(select(literal_column("*")).select_from(named(table))).all())


def test_a_database_that_is_away_is_said() -> None:
    with pytest.raises(RecordsError):
        Sessions(open_database("sqlite:////nowhere/at/all.db")).whose("x")
