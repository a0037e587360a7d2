"""The HTML report: one file, no server, no network. The data travels compressed inside it."""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from voicewright.report.results import RunReport
from voicewright.report.summary import Summary
from voicewright.report.view import CaseView

_ASSETS = files("voicewright.report") / "assets"


def asset(name: str) -> str:
    """Text of a style sheet or script that the report and the web app share."""
    return (_ASSETS / name).read_text(encoding="utf-8")


_SCRIPTS = ("case.js", "report.js")
_STYLE = "style.css"
_NOTHING_ELSE = "default-src 'none'; form-action 'none'; base-uri 'none'"


def page_policy() -> str:
    """What a report's page may do, for its Content-Security-Policy: run our scripts, known by their digests.

    Whatever else stands in the page, or was put into it where it lay, is not run and cannot send anything.
    """
    scripts = " ".join(_digest(asset(name)) for name in _SCRIPTS)
    return f"{_NOTHING_ELSE}; script-src {scripts}; style-src {_digest(asset(_STYLE))}"


def made_here(page: bytes) -> bool:
    """Whether a stored page has the scripts and the style of this version, which `page_policy` lets in."""
    parts = [f"<script>{asset(name)}</script>" for name in _SCRIPTS] + [f"<style>{asset(_STYLE)}</style>"]
    return all(part.encode() in page for part in parts)


def _digest(text: str) -> str:
    """As CSP names a script or a style that stands in the page (W3C CSP Level 3, hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def html_report(
    report: RunReport,
    summary: Summary,
    views: Sequence[CaseView],
    *,
    audio: Mapping[str, tuple[str, bytes]],
    ui_url: str = "",
) -> bytes:
    """The page.

    Args:
        report: the run.
        summary: its figures.
        views: its cases; `audio` of a view that is not embedded may hold an address.
        audio: recordings to embed, by workflow id: media type and bytes.
        ui_url: address of the Temporal UI's workflow list, for links; may be empty.
    """
    data = {
        "run": report.model_dump(mode="json", exclude={"cases", "pending"}) | {"waiting": len(report.pending)},
        "summary": summary.model_dump(mode="json"),
        "cases": [view.model_dump(mode="json", exclude_defaults=True) for view in views],
        "ui": ui_url,
    }
    packed = gzip.compress(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)
    environment = Environment(
        loader=PackageLoader("voicewright.report", "assets"), undefined=StrictUndefined, autoescape=select_autoescape()
    )
    page = environment.get_template("report.html").render(
        title=f"{report.suite.name}: {report.run_id}",
        policy=f"{page_policy()}; media-src blob: http: https: file:",
        style=asset(_STYLE),
        scripts=[asset(name) for name in _SCRIPTS],
        data=base64.b64encode(packed).decode(),
        audio={name: (kind, base64.b64encode(body).decode()) for name, (kind, body) in audio.items()},
    )
    return page.encode()
