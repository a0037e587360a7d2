"""Logs of the processes: lines for people or JSON for machines, with the ids of run and case, without what was said.

What callers and agents say, names of reviewers and secrets never go into a log: they lie in the object store, and the
log has the id under which to look.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from voicewright.settings import Settings

_PARTS = 3
_CHATTY = ("websockets", "httpx", "httpcore", "urllib3", "botocore", "jira", "slack_sdk", "githubkit", "hishel")
"""At DEBUG these print headers and bodies, which hold tokens and texts."""


def set_up_logs(settings: Settings) -> None:
    """Configure this process's log, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    json_lines = settings.log_format == "json"
    handler.setFormatter(
        JsonLines() if json_lines else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def settings_with_logs() -> Settings | None:
    """A process's settings, with its log set up by them; None when one is wrong, which is said on standard error."""
    try:
        settings = Settings()
        set_up_logs(settings)
    except ValueError as error:
        sys.stderr.write(f"a setting is wrong: {error}\n")
        return None
    return settings


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message; in a step also run, case, step and attempt."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **ids(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def ids(record: logging.LogRecord) -> dict[str, Any]:
    """Run, case, step and attempt of a record that Temporal's loggers made."""
    step = getattr(record, "temporal_activity", None)
    where = step if isinstance(step, dict) else getattr(record, "temporal_workflow", None)
    if not isinstance(where, dict):
        return {}
    workflow_id = str(where.get("workflow_id", ""))
    run, *rest = workflow_id.rsplit("/", _PARTS)
    found: dict[str, Any] = {"run": run if len(rest) == _PARTS else workflow_id}
    if len(rest) == _PARTS:
        found["case"] = "/".join(rest)
    if isinstance(step, dict):
        found |= {"step": step.get("activity_type"), "attempt": step.get("attempt")}
    return found
