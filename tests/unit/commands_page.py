"""`python tests/unit/commands_page.py` writes docs/commands.md: what every command says of itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from voicewright.cli.commands import app

PAGE = Path("docs/commands.md")
HEAD = """# Commands

What `voicewright COMMAND --help` says, in one place. Written by `python tests/unit/commands_page.py`; a test holds it
against the commands.
"""


def commands(group: Any = None, name: str = "voicewright") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, groups before what is in them."""
    group = group or typer.main.get_command(app)
    yield name, group
    for below, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {below}")


def page() -> str:
    parts = [HEAD]
    for name, command in commands():
        if hasattr(command, "commands"):
            continue
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        usage = " ".join([name, *(one.name.upper() if one.required else f"[{one.name.upper()}]" for one in arguments)])
        lines = [f"## `{usage}`", "", _sentences(command.help), ""]
        for option in command.params:
            if option.param_type_name != "argument" and not option.hidden and option.name != "help":
                names = ", ".join(f"`{spelling}`" for spelling in [*option.opts, *option.secondary_opts])
                lines.append(f"- {names}: {_sentences(option.help)}")
        parts.append("\n".join(lines).rstrip() + "\n")
    return "\n".join(parts)


def _sentences(text: str | None) -> str:
    """Of a docstring: its lines joined, without what typer reads as markup."""
    return re.sub(r"\s+", " ", (text or "").replace("\b", "")).strip()


if __name__ == "__main__":
    PAGE.write_text(page())
