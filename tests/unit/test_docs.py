"""What exists is documented, and what is documented runs."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from api.rules import read_rules
from voicewright.agent import AgentTarget
from voicewright.cli.commands import app
from voicewright.settings import Settings
from voicewright.suite_file import parse_suite

DOCS = Path("docs")


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`VOICEWRIGHT_{name.upper()}`" not in text]
    assert not missing


def test_every_check_is_documented() -> None:
    text = (DOCS / "checks.md").read_text()
    source = "".join(path.read_text() for path in Path("activities/checks").glob("*.py"))
    kinds = set(re.findall(r'hard\(\s*"(\w+)"', source)) | set(re.findall(r'kind="(\w+)"', source))
    kinds |= {"time", "date", "amount", "number", "name"}
    assert {"contains", "conversation", "meaning", "overlap"} <= kinds
    assert not [kind for kind in kinds if f"`{kind}`" not in text]


def test_every_channel_is_documented() -> None:
    channels = [get_args(target.model_fields["channel"].annotation)[0] for target in get_args(get_args(AgentTarget)[0])]
    assert {"media_stream", "sip"} <= set(channels)
    for name in channels:
        assert f"`{name}`" in (DOCS / "suites.md").read_text()
        assert (DOCS / "channels" / f"{name.replace('_', '-')}.md").exists(), name


def test_the_examples_of_channels_are_good() -> None:
    for page in (DOCS / "channels").glob("*.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        assert blocks, page
        for block in blocks:
            head = "" if block.startswith("suite:") else "suite: example\n"
            tail = "" if "cases:" in block else "cases: [{id: a, turns: [{say: Hello}]}]\n"
            parse_suite((head + block + tail).encode(), page.name)


def test_every_command_is_in_the_readme_or_the_changelog() -> None:
    text = Path("README.md").read_text() + Path("CHANGELOG.md").read_text()
    group = typer.main.get_command(app)
    for name in getattr(group, "commands", {}):
        assert re.search(rf"`?(voicewright )?{name}\b", text), name


def test_the_readmes_suite_is_good() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        parse_suite(block.encode(), "README.md")


def test_the_readmes_python_compiles() -> None:
    blocks = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        compile("\n".join(line[2:] for line in block.splitlines()), "README.md", "exec")


def test_the_ci_page_is_right(tmp_path: Path) -> None:
    page = (DOCS / "ci.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        compile(block, "ci.md", "exec")
    [rules] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yaml").write_text(textwrap.dedent(rules))
    assert [rule.suites for rule in read_rules(tmp_path / "rules.yaml")] == [("clinic",), ("clinic",)]
    options = {name for line in page.splitlines() for name in re.findall(r"`?(--[a-z-]+)", line)}
    options |= {name for file in (DOCS / "ci").iterdir() for name in re.findall(r"\s(--[a-z-]+)", file.read_text())}
    known = {option for _, command in commands(typer.main.get_command(app)) for option in command}
    assert options <= known


def commands(group: Any, name: str = "voicewright") -> Iterator[tuple[str, set[str]]]:
    """Every command with its options."""
    yield name, {option for parameter in group.params for option in parameter.opts}
    for below in getattr(group, "commands", {}).items():
        yield from commands(below[1], f"{name} {below[0]}")


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in [Path("README.md"), Path("CONTRIBUTING.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"
