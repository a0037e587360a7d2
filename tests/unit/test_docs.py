"""What exists is documented, and what is documented runs."""

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import commands_page
import pytest
import typer
from commands_page import PAGE, commands, page

from api.rules import read_rules
from voicewright.cli.commands import app
from voicewright.contracts.check import TRAITS, CheckKind
from voicewright.settings import Settings
from voicewright.suite.format.agent import AgentTarget
from voicewright.suite.reading.file import parse_suite

DOCS = Path("docs")
PAGES = [Path("README.md"), Path("CONTRIBUTING.md"), *DOCS.rglob("*.md")]
BESIDE = ("VOICEWRIGHT_SECRET_", "VOICEWRIGHT_DATA_DIR")
"""Variables that are no settings: secrets of suites, and where the settings of a local stack lie."""


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text()
    settings = {f"VOICEWRIGHT_{name.upper()}" for name in Settings.model_fields}
    told = set(re.findall(r"`(VOICEWRIGHT_[A-Z0-9_]+)`", text))
    assert settings <= told, settings - told
    assert {name for name in told if not name.startswith(BESIDE)} <= settings, told - settings


def test_every_check_is_documented() -> None:
    text = (DOCS / "checks.md").read_text()
    assert len(CheckKind) > 20
    assert set(TRAITS) == set(CheckKind)
    assert not [kind for kind in CheckKind if f"`{kind}`" not in text]


def test_every_channel_is_documented() -> None:
    channels = [get_args(target.model_fields["channel"].annotation)[0] for target in get_args(get_args(AgentTarget)[0])]
    assert {"media_stream", "sip"} <= set(channels)
    pages = {path.stem.replace("-", "_") for path in (DOCS / "channels").glob("*.md")} - {"own_agent"}
    assert pages == set(channels)
    for name in channels:
        assert f"`{name}`" in (DOCS / "suites.md").read_text()


def test_the_examples_of_channels_are_good() -> None:
    for guide in (DOCS / "channels").glob("*.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", guide.read_text(), re.DOTALL)
        assert blocks, guide
        for block in blocks:
            head = "" if block.startswith("suite:") else "suite: example\n"
            tail = "" if "cases:" in block else "cases: [{id: a, turns: [{say: Hello}]}]\n"
            parse_suite((head + block + tail).encode(), guide.name)


def test_every_command_and_option_is_documented() -> None:
    assert PAGE.read_text() == page(), f"write it anew: python {Path(commands_page.__file__).relative_to(Path.cwd())}"


def typed() -> Iterator[tuple[str, list[str], bool]]:
    """Commands in the docs: where, the words, and whether it is a whole line of a shell block."""
    for source in [Path("README.md"), *DOCS.rglob("*.md")]:
        text = source.read_text()
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL):
            for line in re.findall(r"^ *(?:\S*/)?(voicewright .*)$", block, re.MULTILINE):
                yield str(source), shlex.split(line, comments=True)[1:], True
        for span in re.findall(r"`(?:\S*/)?voicewright ([a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            if not span.startswith("COMMAND"):
                yield str(source), shlex.split(span), False


def test_every_command_that_the_docs_type_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(typed())
    assert sum(whole for *_, whole in found) >= 10
    monkeypatch.chdir(tmp_path)
    for source, words, whole in found:
        command, left, name = typer.main.get_command(app), list(words), "voicewright"
        while hasattr(command, "commands") and left:
            names = left.pop(0).split("|")  # `list|show`: one or the other
            assert set(names) <= set(command.commands), f"{source}: voicewright {' '.join(words)}"
            name, command = names[0], command.commands[names[0]]
        if whole:
            for word in left:
                if word.endswith(".yaml"):
                    (tmp_path / word).parent.mkdir(exist_ok=True, parents=True)
                    (tmp_path / word).touch()
            command.make_context(name, left)  # refuses unknown options and missing arguments
        else:
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in left if word.startswith("--")} <= known, f"{source}: voicewright {' '.join(words)}"


def test_what_the_readme_makes_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", Path("Makefile").read_text(), re.MULTILINE))
    [block] = [
        block for block in re.findall(r"```sh\n(.*?)```", Path("README.md").read_text(), re.DOTALL) if "make " in block
    ]
    made = re.findall(r"^make ([a-z]+)", block, re.MULTILINE)
    assert len(made) == 2
    assert set(made) <= targets


def test_the_readmes_suite_passes_its_own_check(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    (tmp_path / "suite.yaml").write_text(block)
    command = [sys.executable, "-m", "voicewright.cli.main", "check", str(tmp_path / "suite.yaml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "my-agent" in checked.stdout


def test_python_on_the_pages_compiles_and_finds_what_it_imports() -> None:
    for file in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", file.read_text(), re.DOTALL)
        assert blocks or file.name not in {"README.md", "ci.md"}
        for block in blocks:
            code = textwrap.dedent(block)
            compile(code, str(file), "exec")
            for module, names in re.findall(r"^from (voicewright[\w.]*) import (.*)$", code, re.MULTILINE):
                assert not [name for name in names.split(", ") if not hasattr(import_module(module), name)], file


def test_the_readmes_ten_lines_of_the_judge_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    [code] = [block for block in blocks if "MeaningJudge" in block]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "time: expected half past 9, heard 10:30" in done.stdout


def test_files_that_the_pages_name_exist() -> None:
    rooms = "activities|api|bench|docs|examples|tests|voicewright|workers|workflows"
    for file in PAGES:
        for name in re.findall(rf"`((?:{rooms})/[\w./-]*)`", file.read_text()):
            assert Path(name).exists(), f"{file}: {name}"


def test_the_rules_on_the_ci_page_are_good(tmp_path: Path) -> None:
    text = (DOCS / "ci.md").read_text()
    [rules] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "rules.yaml").write_text(textwrap.dedent(rules))
    assert [rule.suites for rule in read_rules(tmp_path / "rules.yaml")] == [("clinic",), ("clinic",)]
    options = {name for line in text.splitlines() for name in re.findall(r"`?(--[a-z-]+)", line)}
    options |= {name for file in (DOCS / "ci").iterdir() for name in re.findall(r"\s(--[a-z-]+)", file.read_text())}
    known = {option for _, command in commands() for parameter in command.params for option in parameter.opts}
    assert options
    assert options <= known


def test_links_in_the_docs_lead_somewhere() -> None:
    for source in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", source.read_text()):
            assert (source.parent / target).exists(), f"{source}: {target}"
