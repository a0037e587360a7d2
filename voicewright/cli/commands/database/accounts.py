"""`voicewright accounts`: who may log in to the web app, managed by whoever can reach the database."""

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.commands.database.opened import database
from voicewright.cli.console import err, fail, out
from voicewright.contracts.access import ActorKind, Identity, Permission, Role
from voicewright.runtime.exit import ExitCode
from voicewright.settings import Settings

if TYPE_CHECKING:
    from voicewright.accounts import Accounts

accounts = typer.Typer(
    no_args_is_help=True,
    help="Accounts of the web app: list, add, change, close. Admins can do the same in the browser, under Accounts.",
)
app.add_typer(accounts, name="accounts")
_Name = typer.Argument(help="Name of the account.", show_default=False)


@accounts.command("list")
@command
async def show() -> int:
    """All accounts with their roles."""
    with database(Settings(), makes_tables=True) as engine:
        from voicewright.accounts import Accounts  # noqa: PLC0415 - needs the extra `records`

        found = Accounts(engine).all()
    table = Table("name", "role", "state", "added")
    for one in found:
        table.add_row(one.name, one.role, "closed" if one.closed else "open", f"{one.added_at:%Y-%m-%d}")
    out.print(table if found else "There are no accounts yet: the web app adds the first one when it starts.")
    return 0


@accounts.command("add")
@command
async def add(
    name: str = _Name, role: Role = typer.Option(Role.VALIDATOR, "--role", help="What the account may do.")
) -> int:
    """Add an account. Its password is printed once."""
    return _change(lambda of, password: of.add(name, password, role, _me()), shows=name)


@accounts.command("password")
@command
async def renew(name: str = _Name) -> int:
    """Give an account a new password, printed once, and end its sessions."""
    return _change(lambda of, password: of.set_password(name, password, _me()), shows=name)


@accounts.command("role")
@command
async def set_role(name: str = _Name, role: Role = typer.Argument(help="Its new role.", show_default=False)) -> int:
    """Change the role of an account."""
    return _change(lambda of, _: of.set_role(name, role, _me()))


@accounts.command("link")
@command
async def link(
    name: str = _Name,
    subject: str = typer.Argument(
        help="Whom the identity provider knows: its address and its id for them. Empty: nobody."
    ),
) -> int:
    """Let somebody log in to an account through the identity provider."""
    with database(Settings(), makes_tables=True) as engine:
        from voicewright.accounts import AccountError  # noqa: PLC0415 - needs the extra `records`
        from voicewright.accounts.sign_on import SignOn  # noqa: PLC0415 - as above

        try:
            SignOn(engine).link(name, subject.strip(), _me())
        except AccountError as error:
            fail(str(error))
            return ExitCode.BAD_INPUT
    return 0


@accounts.command("close")
@command
async def close(name: str = _Name) -> int:
    """Close an account: nobody can log in with it, and its sessions end."""
    return _change(lambda of, _: of.set_closed(name, True, _me()))


@accounts.command("open")
@command
async def reopen(name: str = _Name) -> int:
    """Open a closed account again."""
    return _change(lambda of, _: of.set_closed(name, False, _me()))


def _change(change: "Callable[[Accounts, str], None]", *, shows: str = "") -> int:
    with database(Settings(), makes_tables=True) as engine:
        from voicewright.accounts import AccountError, Accounts, secrets  # noqa: PLC0415 - as above

        password = secrets.password()
        try:
            change(Accounts(engine), password)
        except AccountError as error:
            fail(str(error))
            return ExitCode.BAD_INPUT
    if shows:
        out.print(f"password of {shows}, shown this once: {password}", markup=False, highlight=False)
    else:
        err.print("done")
    return 0


def _me() -> Identity:
    """Who types, as this machine knows them; for the audit log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Identity(name=name, kind=ActorKind.LOCAL, permissions=frozenset(Permission))
