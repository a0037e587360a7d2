"""What a workflow commands is frozen, so that no change of it goes unnoticed.

Of a case it is every command in its order; of a run every kind of command where it first comes, since how often and in
which order cases report is chance. That silent cases are looked up is tested in tests/workflows.
"""

import difflib
from pathlib import Path

import pytest
from command_sequence import of_all
from paths import executions, paths
from serving import unique
from temporalio.client import Client

FROZEN = Path(__file__).parent / "commands"
ADVICE = """

{name} commands something else than before (- before, + now). A run that is in flight when this version is deployed was
recorded with the old commands and must come to them again:

1. Was it on purpose? If not, the change of workflows/ that did it is to be undone.
2. Guard it: `if workflow.patched("what-changed"): ...new... else: ...old...`. tests/replay/test_replay.py then still
   passes: it replays the histories that were recorded before.
3. Freeze the new order: `python tests/replay/record.py --commands {path}`, and look at the difference before you
   commit it. Histories are recorded anew only when no run of the old kind can be in flight any more.
"""


@pytest.mark.parametrize("path", [*paths()])
async def test_a_workflow_commands_what_it_always_did(real: Client, path: str) -> None:
    for name, parts in (await executions(real, path, unique("run"))).items():
        before, now = (FROZEN / f"{name}.txt").read_text().splitlines(), of_all(name, parts)
        difference = "\n".join(difflib.unified_diff(before, now, "before", "now", lineterm="", n=2))
        assert not difference, difference + ADVICE.format(name=name, path=path)
