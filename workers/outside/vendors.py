"""`python -m workers.outside.vendors`: whether services take what we would send. `voicewright doctor` starts it.

One line of JSON per finding, so that the command needs no vendor's package: [whether it is well, what, how to mend it].
"""

import json
from collections.abc import Iterator

from activities.errors import StepError
from activities.integrations.jira_tracker import RequiredField
from voicewright.runtime.exit import leave
from voicewright.settings import Settings
from workers.build import jira_tracker


def findings(settings: Settings) -> Iterator[tuple[bool, str, str]]:
    """What is well and what is not, with its mending. Blocking; asks the services."""
    what = f"Jira at {settings.jira_url}, project {settings.jira_project}"
    try:
        tracker = jira_tracker(settings)
        if tracker is None:
            return
        lacking = tracker.lacking()
    except StepError as error:
        yield False, what, error.message
        return
    if not lacking:
        yield True, f"{what} takes issues of the type {settings.jira_issue_type}", ""
    for field in lacking:
        yield False, f"{what} requires the field {field.name or field.id}", _mending(field)


def _mending(field: RequiredField) -> str:
    value: object = {"value": field.values[0]} if field.values else "..."
    known = f"; it takes {', '.join(field.values)}" if field.values else ""
    return f"set VOICEWRIGHT_JIRA_FIELDS, such as {json.dumps({field.id: value})}{known}"


def main() -> int:
    """Print, and return the exit status."""
    for finding in findings(Settings()):
        print(json.dumps(finding))  # noqa: T201 - a program's output
    return 0


if __name__ == "__main__":
    leave(main())
