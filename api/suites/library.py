"""Suites for programs: list, read, check, push."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query, Response
from pydantic import BaseModel

from api.guard.who import VIEW, Runner, noted
from api.services import Given, Services
from voicewright.contracts.access import AuditAction, Identity
from voicewright.contracts.case import SuiteRef
from voicewright.store.s3 import S3Store
from voicewright.suite import Suite
from voicewright.suite.library import SuiteEntry, entries, push, pushes, resolve, text_of
from voicewright.suite.push import check_stored_noise
from voicewright.suite.reading.file import SuiteError, parse_suite
from voicewright.suite.reading.yaml_source import MAX_BYTES, Problem

router = APIRouter()
NAMED = "suite.yaml"
"""How mistakes call a text that came without a file."""
Text = Annotated[str, Body(media_type="application/yaml", max_length=MAX_BYTES)]
Version = Annotated[str, Query(max_length=64, pattern="^[0-9a-f]*$")]


class Mistake(BaseModel):
    """A mistake in a suite; lines and columns count from 1."""

    line: int
    column: int
    message: str


class Checked(BaseModel):
    """What a check found: nothing wrong, or every mistake."""

    name: str = ""
    cases: int = 0
    mistakes: list[Mistake] = []


@router.get("/api/v1/suites", dependencies=VIEW)
async def list_suites(given: Given) -> list[SuiteEntry]:
    """All pushed suites, by name."""
    return await asyncio.to_thread(entries, given.store)


@router.post("/api/v1/suites/check", dependencies=VIEW)
async def check(text: Text, given: Given) -> Checked:
    """Every mistake in the text of a suite, as `voicewright check` lists them. Nothing is stored."""
    return await asyncio.to_thread(checked, given.store, text)


@router.get("/api/v1/suites/{name}/versions", dependencies=VIEW)
async def versions(name: str, given: Given) -> list[SuiteEntry]:
    """What was pushed of a suite, the newest first."""
    await asyncio.to_thread(found, given.store, name)
    return await asyncio.to_thread(pushes, given.store, name)


@router.get(
    "/api/v1/suites/{name}",
    dependencies=VIEW,
    response_class=Response,
    responses={200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}},
)
async def read(name: str, given: Given, version: Version = "") -> Response:
    """The text of a suite: the newest version, or the one that begins so (at least 8 digits)."""
    suite = await asyncio.to_thread(found, given.store, name, version)
    return Response(await asyncio.to_thread(text_of, given.store, suite), media_type="application/yaml")


@router.post("/api/v1/suites", status_code=201)
async def push_text(text: Text, given: Given, who: Runner) -> SuiteEntry:
    """Push a suite: its text is the body. 422 names every mistake with its line and column."""
    try:
        return await pushed(given, who, text)
    except SuiteError as error:
        raise HTTPException(422, str(error)) from None


async def pushed(given: Services, who: Identity, text: str) -> SuiteEntry:
    """Check and push.

    Raises:
        SuiteError: it has mistakes.
    """
    suite = await asyncio.to_thread(_sound, given.store, text)
    await noted(given, who, AuditAction.SUITE_PUSHED, suite.suite)
    return await asyncio.to_thread(push, given.store, suite, text.encode(), who.signature)


def checked(store: S3Store, text: str) -> Checked:
    """What is wrong with a text. Blocking."""
    try:
        suite = _sound(store, text)
    except SuiteError as error:
        return Checked(mistakes=[as_mistake(problem) for problem in error.problems])
    return Checked(name=suite.suite, cases=len(suite.cases))


def as_mistake(problem: Problem) -> Mistake:
    """For programs."""
    return Mistake(line=problem.line, column=problem.column, message=problem.message)


def _sound(store: S3Store, text: str) -> Suite:
    raw = text.encode()
    suite = parse_suite(raw, NAMED)
    check_stored_noise(suite, raw, NAMED, store)
    return suite


def found(store: S3Store, name: str, version: str = "") -> SuiteRef:
    """A suite by its name and the first digits of its version. Blocking.

    Raises:
        HTTPException: there is none.
    """
    try:
        return resolve(store, f"{name}@{version}" if version else name)
    except KeyError as error:
        raise HTTPException(404, str(error.args[0])) from None
