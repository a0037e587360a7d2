"""Settings of an installation, from `VOICEWRIGHT_*` environment variables.

On a machine where `voicewright dev` runs, its addresses are found in `.voicewright/stack.json`, so that commands
typed in the same folder need no settings at all. A variable that is set wins.
"""

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

STACK_FILE = Path("stack.json")


def default_data_dir() -> Path:
    """Where the local stack keeps its data, and where commands look for a running one."""
    return Path(os.environ.get("VOICEWRIGHT_DATA_DIR", ".voicewright"))


class _RunningStack(PydanticBaseSettingsSource):
    """Addresses that a local stack wrote when it came up."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        try:
            stack = json.loads((default_data_dir() / STACK_FILE).read_text())
        except (OSError, ValueError):
            return {}
        known = stack.get("settings", {})
        return known if isinstance(known, dict) else {}


class Settings(BaseSettings):
    """One flat list; `docs/settings.md` explains each.

    Secrets may come as files, one per setting and named like its variable in lower case
    (`voicewright_jira_token`), in the folder that `VOICEWRIGHT_SECRETS_DIR` names.
    """

    model_config = SettingsConfigDict(env_prefix="VOICEWRIGHT_", extra="ignore", frozen=True, env_ignore_empty=True)

    temporal_address: str = Field("127.0.0.1:7233", description="Temporal's host:port.")
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_api_key: SecretStr | None = Field(None, description="API key, for Temporal Cloud; turns TLS on.")
    temporal_tls: bool = Field(False, description="Use TLS towards Temporal.")
    temporal_ui_url: str | None = Field(None, description="Base address of the Temporal UI, for links.")

    s3_endpoint_url: str | None = Field(None, description="Address of an S3 server; unset means AWS.")
    s3_bucket: str = Field("voicewright", description="Bucket that holds suites, audio and results.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(
        None, description="Access key; unset uses boto3's usual chain (profile, role, environment)."
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the access key.")

    models_dir: Path = Field(
        Path("~/.cache/voicewright/models"), description="Where models from packages are put together, once."
    )
    tts_english: str = Field("piper", description="Engine for English callers: piper, kokoro, espeak or gtts.")
    tts_other: str = Field(
        "kokoro",
        description="Engine for callers in other languages: kokoro (espeak where it has no voice), espeak or gtts.",
    )
    piper_voice: str = Field(
        "en_US-joe-medium", description="Piper voice: the packaged one, or the path of an .onnx file."
    )
    gtts_tld: str = Field("com", description="Top-level domain of the gtts engine's online service.")
    whisper_model: str = Field(
        "base", description="Recogniser: `base` (packaged), a faster-whisper model name, or a folder."
    )
    whisper_threads: int = Field(2, ge=1, description="Threads of one recognition, and of one synthesis by Kokoro.")
    embedding_model: str = Field(
        "packaged",
        description="Embeddings for other languages than English: `packaged`, or multilingual-e5-small for "
        "sentence-transformers, by name or as a folder.",
    )
    judge_risk: float = Field(
        0.003, gt=0, le=0.2, description="Share of automatic verdicts on meaning that may be wrong."
    )
    judge_confidence: float = Field(0.95, ge=0.5, lt=1, description="How sure the data must make us of that.")
    judge_false_pass_cost: float = Field(
        1.0, gt=0, description="What a wrong pass costs; where it is dearer than a wrong fail, fewer are risked."
    )
    judge_false_fail_cost: float = Field(1.0, gt=0, description="What a wrong fail costs.")
    judge_project: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Whose calibration by people's decisions is used.",
    )
    llm_url: str | None = Field(
        None, description="Base address of an OpenAI-compatible endpoint that judges rubrics; unset asks no LLM."
    )
    llm_model: str | None = Field(None, description="The LLM's name at that endpoint.")
    llm_key: SecretStr | None = Field(None, description="API key of the endpoint; unset where it wants none.")
    llm_samples: int = Field(3, ge=1, le=9, description="How often the LLM is asked about one answer.")
    llm_timeout_s: float = Field(30, gt=0, le=120, description="Seconds that one of these may take.")
    llm_tokens_per_day: int = Field(
        200_000, ge=0, description="Tokens that all workers together may spend per day (UTC); then people decide."
    )
    calls_per_worker: int = Field(20, ge=1, description="Calls that one `calls` worker holds at once.")
    call_control_listen: str = Field(
        "127.0.0.1:0", description="host:port where agents on Media Streams hang up and transfer; port 0 takes any."
    )
    call_control_url: str | None = Field(
        None, description="Address of that as agents reach it; unset is for agents on this machine."
    )
    sip_interface: str | None = Field(
        None, description="Network interface or local address of SIP calls; unset finds the one that leads there."
    )
    twilio_account_sid: str | None = Field(None, description="Twilio account; unset makes no telephone calls.")
    twilio_auth_token: SecretStr | None = Field(
        None, description="The account's auth token: Twilio signs its requests to us with it."
    )
    twilio_api_key: str | None = Field(None, description="API key SID to call with; unset calls with the auth token.")
    twilio_api_secret: SecretStr | None = Field(None, description="Secret of the API key.")
    twilio_from: str = Field("", description="Caller ids: numbers of the account in E.164, comma-separated.")
    twilio_public_url: str | None = Field(
        None, description="https address at which Twilio reaches this calls worker; each calls worker has its own."
    )
    twilio_listen: str = Field("127.0.0.1:8790", description="host:port on which the worker serves that address.")
    twilio_lines: int = Field(1, ge=1, description="Calls at once that the account allows, all runs together.")
    twilio_calls_per_s: float = Field(1.0, gt=0, description="New calls a second that the account allows.")
    twilio_hours: str | None = Field(
        None, description="When calls may be made: `mon-fri 09:00-18:00 Europe/Berlin`; unset means always."
    )
    twilio_api_url: str | None = Field(None, description="Address of Twilio's REST API, for a proxy; unset is Twilio.")
    speech_per_worker: int = Field(2, ge=1, description="Speech activities that one `speech` worker runs at once.")

    web_url: str | None = Field(None, description="Address of the web app as people reach it, for links.")
    web_hosts: str = Field(
        "127.0.0.1,localhost", description="Host names that the web app answers to, comma-separated; `*` for any."
    )

    defect_passes: int = Field(3, ge=1, description="Passes in a row of all its cases after which a defect has healed.")
    defect_auto_close: bool = Field(False, description="Close a healed defect; otherwise it is proposed for closing.")

    jira_url: str | None = Field(
        None, description="Address of Jira; unset keeps defects in the built-in tracker alone."
    )
    jira_user: str | None = Field(
        None, description="E-mail address of the Jira Cloud account; unset with a token of a server."
    )
    jira_token: SecretStr | None = Field(None, description="API token (Cloud) or personal access token (Data Center).")
    jira_project: str = Field("", description="Key of the project that gets the issues.")
    jira_issue_type: str = Field("Bug", description="Type of the issues.")

    slack_token: SecretStr | None = Field(None, description="Bot token; unset tells nobody.")
    slack_channel: str = Field("", description="Id of the channel that gets a message per run.")
    slack_api_url: str = Field("https://slack.com/api/", description="Address of Slack's Web API.")

    github_webhook_secret: SecretStr | None = Field(
        None, description="Secret of the webhook; unset refuses all of them."
    )
    github_rules: Path | None = Field(None, description="YAML file that says which events start which suites.")
    github_token: SecretStr | None = Field(None, description="Token that may write commit statuses.")
    github_app_id: str | None = Field(None, description="Id of a GitHub App; check runs need one.")
    github_private_key_file: Path | None = Field(None, description="The App's private key, a PEM file.")
    github_api_url: str = Field("https://api.github.com", description="Address of GitHub's API.")

    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port on which a worker serves Prometheus metrics; unset serves none."
    )
    metrics_host: str = Field("127.0.0.1", description="Address on which metrics are served.")
    otlp_endpoint: str | None = Field(None, description="OTLP/HTTP collector for traces; unset makes none.")
    log_level: str = Field("INFO", description="Level of the workers' logs.")
    log_format: Literal["text", "json"] = Field("text", description="Lines for people, or JSON for machines.")

    @property
    def twilio_numbers(self) -> tuple[str, ...]:
        """The caller ids."""
        return tuple(number.strip() for number in self.twilio_from.split(",") if number.strip())

    @property
    def llm_missing(self) -> tuple[str, ...]:
        """Variables without which no LLM judges rubrics."""
        needed = {"VOICEWRIGHT_LLM_URL": self.llm_url, "VOICEWRIGHT_LLM_MODEL": self.llm_model}
        return tuple(name for name, value in needed.items() if value is None)

    @field_validator("*", mode="after")
    @classmethod
    def _no_empty_secret(cls, value: Any) -> Any:  # noqa: ANN401 - any setting
        """A secret file that is empty is a secret that is not set, never one that anybody can guess."""
        return None if isinstance(value, SecretStr) and not value.get_secret_value().strip() else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before the running local stack."""
        folder = os.environ.get("VOICEWRIGHT_SECRETS_DIR")
        secrets = SecretsSettingsSource(settings_cls, folder) if folder else file_secret_settings
        return init_settings, env_settings, dotenv_settings, secrets, _RunningStack(settings_cls)
