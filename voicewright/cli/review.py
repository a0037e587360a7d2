"""`voicewright review`: decide what the machine is unsure of."""

from enum import StrEnum

import typer
from rich.markup import escape
from rich.table import Table

from voicewright.ago import ago
from voicewright.cli.app import app, command
from voicewright.cli.console import err, out, verdict_table
from voicewright.client import Voicewright
from voicewright.review import ReviewSubmission
from voicewright.s3 import S3Store
from voicewright.settings import Settings
from voicewright.transcript import Transcript

review = typer.Typer(no_args_is_help=True, help="Cases that wait for a human.")
app.add_typer(review, name="review")


class _Verdict(StrEnum):
    passed = "pass"
    failed = "fail"


@review.command("list")
@command
async def list_reviews() -> int:
    """List cases that wait for a human, the longest waiting first."""
    voicewright = await Voicewright.connect()
    table = Table(box=None, pad_edge=False)
    for name in ("waiting", "case", "id"):
        table.add_column(name, overflow="fold")
    for entry in await voicewright.reviews():
        name = f"{entry.suite}: {entry.case} [{entry.language}]"
        table.add_row(ago(entry.since), escape(name), escape(entry.workflow_id))
    if table.row_count:
        out.print(table)
    else:
        err.print("nothing waits for a human")
    return 0


@review.command("show")
@command
async def show_review(case_id: str = typer.Argument(help="Id of a case, as `review list` prints it.")) -> int:
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
    if state.verdict is not None:
        verdict = state.verdict
        out.print(f"\nverdict: {verdict.decision}, confidence {verdict.confidence:.2f}; {escape(verdict.reason)}")
        out.print(verdict_table(state.verdict))
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
    case_id: str = typer.Argument(help="Id of a case, as `review list` prints it."),
    verdict: _Verdict = typer.Argument(help="Did the agent behave as expected?"),
    reviewer: str = typer.Option(..., help="Who decides."),
    note: str = typer.Option("", help="Why."),
) -> int:
    """Decide a case. The run takes it up at once."""
    submission = ReviewSubmission(verdict=verdict.value, reviewer=reviewer, note=note)
    decision = await (await Voicewright.connect()).decide(case_id, submission)
    out.print(f"{case_id}: {decision.verdict} by {decision.reviewer}", markup=False)
    return 0
