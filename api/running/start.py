"""Starting runs: by a program, by a person's form, again what failed; and stopping them."""

import asyncio
import hashlib
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Header, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, ValidationError
from ulid import ULID

from api.guard.mistakes import in_words
from api.guard.who import Runner, needs, noted
from api.pages import page
from api.services import Given, Services
from voicewright.contracts.access import AuditAction, Identity, Permission
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseResult, Outcome
from voicewright.contracts.run import RunRequest
from voicewright.report.results import stored_cases
from voicewright.store.keys import start_key
from voicewright.store.s3 import S3Store
from voicewright.suite.library import entries, resolve

router = APIRouter()
TO_RERUN = frozenset({Outcome.FAILED, Outcome.ERRORED})
"""Outcomes of cases that are worth another call."""
_Line = Annotated[str, Form(max_length=5000)]
RunKey = Annotated[str, Field(pattern="^[0-9A-Z]{26}$")]
"""A ULID that makes of two requests one run."""
_LISTS = ("cases", "tags", "languages", "profiles")


class StartedRun(Contract):
    """A run that was started, and where it is shown."""

    run_id: str
    address: str


@router.post("/api/v1/runs", status_code=201)
async def start(
    asked: RunRequest,
    given: Given,
    who: Runner,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> StartedRun:
    """Start a run of a pushed suite. The same `Idempotency-Key` with the same request starts one run, however often."""
    if asked.resume is not None or asked.github is not None:
        raise HTTPException(422, "resume and github are set by Voicewright itself")
    try:
        suite = await asyncio.to_thread(resolve, given.store, asked.suite)
    except KeyError as error:
        raise HTTPException(404, str(error.args[0])) from None
    run_id = f"run-{suite.name}-{ULID()}"
    if idempotency_key is not None:
        digest = hashlib.sha256(f"{who.kind}\n{who.name}\n{idempotency_key}".encode()).hexdigest()
        if not await asyncio.to_thread(_is_the_same, given.store, start_key(digest), asked):
            raise HTTPException(422, "this Idempotency-Key was sent with another request before: send a new one")
        run_id = f"run-{suite.name}-{digest[:26]}"
    started = await _started(given, who, asked, run_id, idempotency_key or "")
    response.headers["Location"] = started.address
    return started


async def _started(given: Services, who: Identity, asked: RunRequest, run_id: str, detail: str = "") -> StartedRun:
    """Note who starts it, and start it."""
    await noted(given, who, AuditAction.RUN_STARTED, run_id, detail)
    name = await given.voicewright.start(asked, run_id=run_id)
    return StartedRun(run_id=name, address=f"/runs/{quote(name)}")


def _is_the_same(store: S3Store, key: str, asked: RunRequest) -> bool:
    """Whether a key was sent for the first time, or with the same request as then. Blocking."""
    body = hashlib.sha256(asked.model_dump_json(exclude_defaults=True).encode()).hexdigest().encode()
    return store.put_if_absent(key, body, "text/plain") is not None or store.get(key) == body


@router.get("/runs/new", dependencies=[needs(Permission.RUN)])
async def form(request: Request, given: Given, suite: str = "") -> Response:
    """What a person can say of a run: the same as `voicewright run`."""
    return await _form(request, given, {"suite": suite[:200], "key": str(ULID())})


@router.post("/runs/new")
async def start_by_form(
    request: Request,
    given: Given,
    who: Runner,
    suite: Annotated[str, Form(max_length=200)] = "",
    cases: _Line = "",
    tags: _Line = "",
    languages: _Line = "",
    profiles: _Line = "",
    repeats: Annotated[str, Form(max_length=10)] = "",
    max_parallel: Annotated[str, Form(max_length=10)] = "",
    agent_url: Annotated[str, Form(max_length=2000)] = "",
    branch: Annotated[str, Form(max_length=250)] = "",
    key: Annotated[str, Form(pattern="^[0-9A-Z]{26}$")] = "",
) -> Response:
    """Start it, or show the form again with what is wrong. The form's key makes of two clicks one run."""
    lists = dict(zip(_LISTS, (cases, tags, languages, profiles), strict=True))
    texts = {"repeats": repeats, "max_parallel": max_parallel, "agent_url": agent_url, "branch": branch}
    typed = {"suite": suite, **lists, **texts, "key": key or str(ULID())}
    asked = {name: text.strip() for name, text in {"suite": suite, **texts}.items() if text.strip()}
    chosen = {name: [one.strip() for one in text.split(",") if one.strip()] for name, text in lists.items()}
    try:
        run = RunRequest.model_validate({**asked, **chosen})
        named = await asyncio.to_thread(resolve, given.store, run.suite)
    except ValidationError as error:
        return await _form(request, given, typed, refused=in_words(error.errors()))
    except KeyError as error:
        return await _form(request, given, typed, refused=str(error.args[0]))
    if not await asyncio.to_thread(_is_the_same, given.store, start_key(typed["key"]), run):
        typed["key"] = str(ULID())
        told = "this form was sent before with something else in it: press Start once more for a run of its own"
        return await _form(request, given, typed, refused=told)
    started = await _started(given, who, run, f"run-{named.name}-{typed['key']}")
    return RedirectResponse(started.address, status_code=303)


@router.post("/runs/{run_id:path}/cancel")
async def cancel(run_id: str, given: Given, who: Runner) -> Response:
    """Stop a run: calls in flight hang up, what is done stays."""
    await noted(given, who, AuditAction.RUN_CANCELLED, run_id)
    await given.voicewright.cancel(run_id)
    return RedirectResponse(f"/runs/{quote(run_id)}", status_code=303)


@router.post("/runs/{run_id:path}/rerun")
async def rerun(
    run_id: str,
    given: Given,
    who: Runner,
    case: Annotated[str, Form(max_length=200)] = "",
    key: Annotated[str, Form(pattern="^[0-9A-Z]{26}$")] = "",
) -> Response:
    """Start a run of what failed, see `rerun_of`."""
    started = await rerun_of(given, who, run_id, case, key)
    return RedirectResponse(started.address, status_code=303)


async def rerun_of(given: Services, who: Identity, run_id: str, case: str, key: str) -> StartedRun:
    """Start a run of what failed or could not be tested in another one, or of one of its cases, in the same version.

    Languages and callers are those of these cases together: a case that failed in one language and passed in another,
    in which a different case failed, is held in both.
    """
    asked, progress = await given.voicewright.request_of(run_id), await given.voicewright.progress(run_id)
    results, _ = await asyncio.to_thread(stored_cases, given.store, run_id)
    wanted = [one for one in results if (one.key.case == case if case else one.outcome in TO_RERUN)]
    if not wanted:
        raise HTTPException(409, f"nothing of {run_id} has failed" if not case else f"{case} has not ended in {run_id}")
    suite = progress.suite
    name = f"{suite.name}@{suite.version}" if suite is not None else asked.suite
    try:
        fresh = _narrowed(asked, name, wanted)
    except ValidationError as error:
        raise HTTPException(409, f"these cases are too many to name: {in_words(error.errors())}") from None
    # What was clicked tells a second click from another case.
    clicked = hashlib.sha256(f"{key or ULID()}\n{case}\n{run_id}\n{who.name}".encode()).hexdigest()[:26]
    fresh_id = f"run-{name.partition('@')[0]}-{clicked}"
    return await _started(given, who, fresh, fresh_id, f"again, of {run_id}")


def _narrowed(asked: RunRequest, suite: str, cases: list[CaseResult]) -> RunRequest:
    return RunRequest.model_validate(
        {
            **asked.model_dump(exclude={"github", "resume"}),
            "suite": suite,
            "cases": sorted({one.key.case for one in cases}),
            "languages": sorted({one.key.language for one in cases}),
            "profiles": sorted({one.key.profile or "plain" for one in cases}),
            "tags": (),
        }
    )


async def _form(request: Request, given: Services, typed: dict[str, str], *, refused: str = "") -> Response:
    known = await asyncio.to_thread(entries, given.store)
    return page(
        request, "start.html", status=422 if refused else 200, suites=known, typed={**_EMPTY, **typed}, refused=refused
    )


_EMPTY = dict.fromkeys([*_LISTS, "repeats", "max_parallel", "agent_url", "branch"], "")
