"""`voicewright quarantine`: cases whose failures are known, and that gate nothing until a day."""

import getpass

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.contracts.quarantine import MOST_DAYS
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.quarantine import for_case, put_in, quarantined, take_out

quarantine = typer.Typer(
    no_args_is_help=True,
    help="Cases whose failures are known: they are held and reported, but fail no build until a day.",
)
app.add_typer(quarantine, name="quarantine")

_SUITE = typer.Argument(help="Name of a pushed suite.")


@quarantine.command("add")
@command
async def add(
    suite: str = _SUITE,
    case: str = typer.Argument(help="Id of the case; all its languages, callers and repeats are meant."),
    reason: str = typer.Option(help="Why it fails, or where that is discussed."),
    owner: str = typer.Option("", help="Who sees to it that it leaves quarantine; your user name by default."),
    days: int = typer.Option(14, min=1, max=MOST_DAYS, help="How long; afterwards the case gates again."),
) -> int:
    """Put a case into quarantine, or renew what was said of it. Runs that are planned from now on heed it.

    Example: voicewright quarantine add clinic price --reason "JIRA-12: new price list" --days 7
    """
    me = getpass.getuser()
    store = S3Store(Settings())
    held = for_case(store, suite, case, owner=owner or me, reason=reason, days=days, by=me)
    put_in(store, suite, held)
    out.print(f"{case} of {suite} gates nothing until the end of {held.until} (UTC)", markup=False)
    return 0


@quarantine.command("list")
@command
async def show(suite: str = _SUITE) -> int:
    """List the cases of a suite that are in quarantine, and those whose last day is over."""
    table = Table(box=None, pad_edge=False)
    for name in ("case", "until", "owner", "reason"):
        table.add_column(name, overflow="fold")
    found = quarantined(S3Store(Settings()), suite)
    for one in found:
        until = f"{one.until}" if one.holds() else f"{one.until} (over)"
        table.add_row(escape(one.case), until, escape(one.owner), escape(one.reason))
    if found:
        out.print(table)
    else:
        err.print("nothing is in quarantine")
    return 0


@quarantine.command("remove")
@command
async def remove(suite: str = _SUITE, case: str = typer.Argument(help="Id of the case.")) -> int:
    """Take a case out of quarantine: it gates again, from the next run on."""
    take_out(S3Store(Settings()), suite, case)
    out.print(f"{case} of {suite} gates again", markup=False)
    return 0
