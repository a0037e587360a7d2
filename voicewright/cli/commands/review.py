"""`voicewright review`: decide what the machine is unsure of."""

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.cli.app import app, command
from voicewright.cli.console import err, out, verdict_table
from voicewright.client import Voicewright
from voicewright.client.reviews import MAX_PAGE
from voicewright.contracts.review import FailCategory, ReviewSubmission, ReviewVerdict, Severity
from voicewright.contracts.transcript import Transcript
from voicewright.duration import ago
from voicewright.report.results import read_verdict
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store

_PAGE = 50
review = typer.Typer(no_args_is_help=True, help="Cases that wait for a person.")
app.add_typer(review, name="review")


@review.command("list")
@command
async def list_reviews(
    limit: int = typer.Option(_PAGE, min=1, max=MAX_PAGE, help="How many cases to list."),
    after: str = typer.Option("", help="List what follows: the cursor that the page before printed."),
) -> int:
    """List cases that wait for a person, the longest wait first."""
    voicewright = await Voicewright.connect()
    page = await voicewright.review_page(limit=limit, after=after)
    table = Table(box=None, pad_edge=False)
    for name in ("waiting", "case", "id"):
        table.add_column(name, overflow="fold")
    for entry in page.entries:
        name = f"{entry.suite}: {entry.name}"
        table.add_row(ago(entry.since), escape(name), escape(entry.workflow_id))
    if table.row_count:
        out.print(table)
    else:
        err.print("no case waits for a person" if not after else "no further case waits for a person")
    if page.following:
        waiting = await voicewright.review_backlog()
        size = f" --limit {limit}" if limit != _PAGE else ""
        err.print(f"{waiting} wait in all; next: voicewright review list{size} --after {page.following}", markup=False)
    return 0


@review.command("show")
@command
async def show_review(
    case_id: str = typer.Argument(help="Id of a case, as `voicewright review list` prints it."),
) -> int:
    """Show what was said, what was expected, and why the machine is unsure."""
    state = await (await Voicewright.connect()).case(case_id)
    out.print(f"[bold]{escape(str(state.key))}[/]  {state.outcome or state.step}")
    store = S3Store(Settings())
    if state.transcript is not None:
        transcript = Transcript.model_validate_json(store.get(state.transcript.transcript.key))
        turns = sorted(
            {
                word.turn
                for side in (transcript.caller, transcript.agent)
                for word in side.words
                if word.turn is not None
            }
        )
        for turn in turns:
            for side in (transcript.caller, transcript.agent):
                if text := side.text(turn):
                    out.print(f"  {side.side:>6}: {escape(text)}")
    verdict = read_verdict(store, state.verdict)
    if verdict is not None:
        out.print(f"\nverdict: {verdict.decision}, confidence {verdict.confidence:.2f}; {escape(verdict.reason)}")
        out.print(verdict_table(verdict))
    if state.call is not None:
        out.print(f"\nlisten (left: caller, right: agent): {store.link(state.call.recording)}", markup=False)
    if state.review is not None:
        out.print(f"decided: {state.review.verdict} by {escape(state.review.reviewer)} {escape(state.review.note)}")
    for reason in state.refused:
        out.print(f"refused: {escape(reason)}")
    return 0


@review.command("decide")
@command
async def decide(
    case_id: str = typer.Argument(help="Id of a case, as `voicewright review list` prints it."),
    verdict: ReviewVerdict = typer.Argument(
        help="Did the agent behave as expected? edge_case: the case is unclear; second_opinion: ask somebody else."
    ),
    reviewer: str = typer.Option(..., help="Your name."),
    note: str = typer.Option("", help="Reason; it goes into the result and the defect."),
    category: FailCategory | None = typer.Option(None, help="What was wrong, if it failed."),
    severity: Severity | None = typer.Option(None, help="How bad it is, if it failed."),
) -> int:
    """Decide a case. The run continues at once, unless the suite wants several opinions."""
    submission = ReviewSubmission(
        verdict=verdict, reviewer=reviewer, note=note, category=category or "", severity=severity or ""
    )
    decision = await (await Voicewright.connect()).decide(case_id, submission)
    out.print(f"{case_id}: {decision.verdict} by {decision.reviewer}", markup=False)
    if not decision.settled:
        err.print("this does not settle the case: somebody else is to give an opinion")
    return 0
