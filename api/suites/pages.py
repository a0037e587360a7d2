"""Suites for people: a list, a suite with its versions, what changed between two, an editor."""

import asyncio
from difflib import unified_diff
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.guard.who import VIEW, Runner, needs
from api.pages import page
from api.services import Given
from api.suites.library import Mistake, Version, as_mistake, found, pushed
from voicewright.contracts.access import Permission
from voicewright.suite.library import entries, pushes, text_of
from voicewright.suite.reading.file import SuiteError
from voicewright.suite.reading.yaml_source import MAX_BYTES

router = APIRouter()
_FIRST = """suite: my-agent
description: What the agent must be able to do.
agent: {channel: media_stream, url: "ws://127.0.0.1:8765/media"}
defaults: {languages: [en]}
cases:
  - id: opening-hours
    title: Says when the shop opens
    turns:
      - say: When do you open on Saturdays?
        expect: {meaning: "We open at 9:30 on Saturdays."}
"""


@router.get("/suites", dependencies=VIEW, response_class=HTMLResponse)
async def list_page(request: Request, given: Given) -> HTMLResponse:
    """All pushed suites."""
    return page(request, "suites.html", suites=await asyncio.to_thread(entries, given.store))


@router.get("/suites/new", dependencies=[needs(Permission.RUN)], response_class=HTMLResponse)
async def new_page(request: Request) -> HTMLResponse:
    """An editor with a suite to begin with."""
    return _editor(request, "", _FIRST)


@router.post("/suites", response_class=HTMLResponse)
async def push_page(
    request: Request,
    given: Given,
    who: Runner,
    text: Annotated[str, Form(max_length=MAX_BYTES)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Push what was typed, or show the editor again with its mistakes."""
    text = text.replace("\r\n", "\n")  # as browsers send it
    try:
        entry = await pushed(given, who, text)
    except SuiteError as error:
        return _editor(request, name, text, [as_mistake(problem) for problem in error.problems])
    return RedirectResponse(f"/suites/{quote(entry.name)}", status_code=303)


@router.get("/suites/{name}/edit", dependencies=[needs(Permission.RUN)], response_class=HTMLResponse)
async def edit_page(request: Request, name: str, given: Given, version: Version = "") -> HTMLResponse:
    """The editor, with a version of the suite."""
    suite = await asyncio.to_thread(found, given.store, name, version)
    return _editor(request, name, await asyncio.to_thread(text_of, given.store, suite))


@router.get("/suites/{name}", dependencies=VIEW, response_class=HTMLResponse)
async def suite_page(
    request: Request, name: str, given: Given, version: Version = "", since: Version = ""
) -> HTMLResponse:
    """A version of a suite; with `since`, what changed after that version."""
    suite = await asyncio.to_thread(found, given.store, name, version)
    text = await asyncio.to_thread(text_of, given.store, suite)
    changes: list[str] | None = None
    if since:
        old = await asyncio.to_thread(found, given.store, name, since)
        before = await asyncio.to_thread(text_of, given.store, old)
        changes = list(
            unified_diff(before.splitlines(), text.splitlines(), old.version[:12], suite.version[:12], lineterm="")
        )
    return page(
        request,
        "suite.html",
        suite=suite,
        newest=not version,
        text=text,
        changes=changes,
        since=since,
        pushes=await asyncio.to_thread(pushes, given.store, name),
    )


def _editor(request: Request, name: str, text: str, mistakes: list[Mistake] | None = None) -> HTMLResponse:
    return page(request, "editor.html", status=422 if mistakes else 200, name=name, text=text, mistakes=mistakes or [])
