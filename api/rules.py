"""Which events of which repository start which suites: the file that VOICEWRIGHT_GITHUB_RULES names.

- repository: acme/clinic-agent
  branches: [main, "release/*"]      # `*` and `?` are wildcards; default: all; comments: any
  on: [push]                         # push, deployment, comment
  suites: [clinic]                   # names of pushed suites
  tags: [smoke]                      # only cases with these tags
  environments: [staging]            # deployments only: to these environments
  agent_url: wss://{host}/media      # {host}: host of the deployment's address
  hosts: ["*.preview.example.com"]   # which hosts it may be; without its port; default: any
"""

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from voicewright.contracts.run import ADDRESS
from voicewright.suite.reading.yaml_source import read_yaml


class Trigger(StrEnum):
    """What can start a run."""

    PUSH = "push"
    DEPLOYMENT = "deployment"
    COMMENT = "comment"


class RulesError(Exception):
    """The file is wrong; the message says where and what, a line per mistake."""


class Rule(BaseModel):
    """One entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    branches: tuple[str, ...] = ("*",)
    on: Annotated[tuple[Trigger, ...], Field(min_length=1)] = (Trigger.PUSH,)
    suites: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1)]
    tags: tuple[str, ...] = ()
    environments: tuple[str, ...] = ("*",)
    agent_url: Annotated[str, Field(pattern=ADDRESS)] | None = None
    hosts: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)

    @property
    def wants_host(self) -> bool:
        """Whether the agent's address is made of a deployment's."""
        return "{host}" in (self.agent_url or "")

    def takes_host(self, host: str) -> bool:
        """Whether a deployment's host may stand in the agent's address. Host names ignore case."""
        name = re.sub(r":\d+$", "", host)
        return bool(name) and any(fnmatchcase(name.lower(), wanted.lower()) for wanted in self.hosts)

    @model_validator(mode="after")
    def _known_placeholders(self) -> "Rule":
        unknown = re.search(r"\{[^}]*\}?", (self.agent_url or "").replace("{host}", ""))
        if unknown is not None:
            message = f"{unknown[0]} is filled in by nothing: there is {{host}} alone"
            raise ValueError(message)
        if self.wants_host and not re.match(r"^[a-z]+://\{host\}(?:[:/?]|$)", self.agent_url or ""):
            message = "{host} stands for the whole host: scheme://{host}/path"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _host_of_a_deployment(self) -> "Rule":
        if self.wants_host and set(self.on) != {Trigger.DEPLOYMENT}:
            message = "{host} is the host of a deployment: such a rule is `on: [deployment]` alone"
            raise ValueError(message)
        return self

    def fits(self, trigger: Trigger, repository: str, branch: str, environment: str | None = None) -> bool:
        """Whether an event starts this rule's suites. Repository names ignore case, as GitHub does.

        A comment does not say its pull request's branch: it is taken whatever the branches are.
        """
        return (
            trigger in self.on
            and repository.lower() == self.repository.lower()
            and (trigger is Trigger.COMMENT or any(fnmatchcase(branch, wanted) for wanted in self.branches))
            and (environment is None or any(fnmatchcase(environment, wanted) for wanted in self.environments))
        )


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file.

    Raises:
        RulesError: it cannot be read, or is wrong.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RulesError(f"VOICEWRIGHT_GITHUB_RULES: {path} cannot be read: {error.strerror}") from None
    source = read_yaml(raw)
    if source.problems:
        raise RulesError("\n".join(problem.at(str(path)) for problem in source.problems))
    try:
        return TypeAdapter(tuple[Rule, ...]).validate_python(source.data)
    except ValidationError as error:
        lines = []
        for mistake in error.errors():
            line, column = source.value_at(tuple(mistake["loc"]))
            where = ".".join(str(part) for part in mistake["loc"])
            lines.append(f"{path}:{line}:{column}: {where}: {mistake['msg']}")
        raise RulesError("\n".join(lines)) from None
