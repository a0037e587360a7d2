"""`python tests/replay/record.py [--commands | --release NUMBER] [NAME ...]`: record histories with fake steps.

On Temporal's dev server, one of each path in `paths.py`; without names, all of them. `--commands` records only what
they command. `--release` keeps the histories of a release, which are never recorded again. Without either, what is
recorded anew replaces what runs in flight would still have to replay: `test_replay.py` says when that may be done.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT.parent / "workflows")]

from command_sequence import command_sequence
from paths import histories, paths
from serving import dev_server

from voicewright.runtime.exit import leave


def without_traces(part: Any) -> Any:
    """Stack traces name folders of the machine that recorded them, and replay does not read them."""
    if isinstance(part, dict):
        return {key: "" if key == "stackTrace" else without_traces(value) for key, value in part.items()}
    return [without_traces(item) for item in part] if isinstance(part, list) else part


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*paths()])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--commands", action="store_true", help="leave the histories as they are")
    what.add_argument("--release", metavar="NUMBER", help="keep the histories of a release")
    given = parser.parse_args()
    folder = ROOT / "released" / given.release if given.release else ROOT / "histories"
    if given.release:
        folder.mkdir(parents=True)  # a release is recorded once
    async with dev_server() as client:
        for name in given.names:
            for file, history in (await histories(client, name, f"run-{name}")).items():
                said = command_sequence(file, history)
                if not given.release:
                    (ROOT / "commands" / f"{file}.txt").write_text("\n".join([*said, ""]))
                if not given.commands:
                    whole = without_traces(json.loads(history.to_json()))
                    (folder / f"{file}.json").write_text(json.dumps(whole, indent=2) + "\n")
                print(file, len(history.events), "events,", len(said), "commands")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
    leave(0)
