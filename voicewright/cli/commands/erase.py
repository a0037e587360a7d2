"""`voicewright erase`: what was said in calls goes, outcomes and times stay."""

import getpass

import typer

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out
from voicewright.client import Voicewright
from voicewright.client.erasing import erase as have_erased
from voicewright.contracts.erasure import ErasureReceipt, ErasureRequest


@app.command("erase")
@command
async def erase(
    run_id: str = typer.Argument(help="Id of a run."),
    case: list[str] | None = typer.Option(None, help="Id of a case, as RUN/CASE/LANGUAGE/1; again for others."),
    reason: str = typer.Option("", help="Why. It is kept in the receipt."),
    by: str = typer.Option("", help="Who wants it; your user name by default."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask whether you are sure."),
) -> int:
    """Erase recordings and all words of a run's calls, or of single cases. It cannot be undone.

    Outcomes, times and defects stay. What was said is taken out of the object store, the report, defects, what the
    judge learned from, and Temporal's histories. Issues in an outside tracker and messages in Slack are not ours to
    erase: the receipt names the issues.
    """
    cases = tuple(case or ())
    what = f"{len(cases)} case{'s'[: len(cases) != 1]}" if cases else "all cases"
    if not yes and not typer.confirm(f"Erase what was said in {what} of {run_id}? This cannot be undone."):
        err.print("nothing was erased")
        return 1
    request = ErasureRequest(run_id=run_id, cases=cases, by=by or getpass.getuser(), reason=reason)
    receipt = await have_erased((await Voicewright.connect()).temporal, request, within=None)
    _say(receipt)
    return 0


def _say(receipt: ErasureReceipt) -> None:
    out.print(f"{receipt.run_id}: {len(receipt.cases)} cases erased, {receipt.objects} objects removed", markup=False)
    if receipt.defects:
        out.print(f"evidence erased in defects {', '.join(receipt.defects)}", markup=False)
    for address in receipt.issues:
        out.print(f"not ours to erase: {address}", markup=False)
    for waiting in receipt.waiting:
        out.print(f"not erased, because it has not ended: {waiting}", markup=False)
