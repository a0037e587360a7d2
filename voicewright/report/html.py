"""The HTML report: one file, no server, no network. The data travels compressed inside it."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from voicewright.report.summary import Summary
from voicewright.report.view import CaseView
from voicewright.results import RunReport

_ASSETS = files("voicewright.report") / "assets"


def asset(name: str) -> str:
    """Text of a style sheet or script that the report and the web app share."""
    return (_ASSETS / name).read_text(encoding="utf-8")


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
        "run": report.model_dump(mode="json", exclude={"cases"}),
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
        style=asset("style.css"),
        scripts=[asset("case.js"), asset("report.js")],
        data=base64.b64encode(packed).decode(),
        audio={name: (kind, base64.b64encode(body).decode()) for name, (kind, body) in audio.items()},
    )
    return page.encode()
