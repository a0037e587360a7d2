"""Templates, and the scripts and styles that they share with the report."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import StrictUndefined

from voicewright.duration import ago, lasted
from voicewright.report.html import asset

router = APIRouter()
_templates = Jinja2Templates(directory=Path(__file__).with_name("templates"))
_templates.env.undefined = StrictUndefined
_templates.env.filters["path"] = lambda text: quote(str(text))
_templates.env.filters["ago"] = lambda moment: ago(
    moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
)
_templates.env.filters["lasted"] = lasted

_STATIC = {"style.css": "text/css", "case.js": "text/javascript"}
_OWN = dict.fromkeys(("editor.js", "review.js", "reviewer.js", "run.js"), "text/javascript")


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401
    """A page from its template."""
    context.setdefault("who", getattr(request.state, "who", None))
    return _templates.TemplateResponse(request, template, context, status_code=status)


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    """Scripts and styles."""
    if name in _STATIC:
        return Response(asset(name), media_type=_STATIC[name], headers={"Cache-Control": "max-age=300"})
    if name in _OWN:
        text = Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8")
        return Response(text, media_type=_OWN[name], headers={"Cache-Control": "max-age=300"})
    raise HTTPException(404, f"there is no {name}")
